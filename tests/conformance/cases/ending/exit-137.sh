# Exit code 137 is an exit code, not a kill for memory.
#
# [expect]
# verdict = "failed"
# exit_code = 137
exit 137
