# Exit code 124 is an exit code, not a time-out.
#
# [expect]
# verdict = "failed"
# exit_code = 124
exit 124
