# Exit code 125 is an exit code, not a failure of the platform.
#
# [expect]
# verdict = "failed"
# exit_code = 125
exit 125
