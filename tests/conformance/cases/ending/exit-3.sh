# Another exit code than 0 is failed with that code.
#
# [expect]
# verdict = "failed"
# exit_code = 3
# reason = "exited with code 3"
exit 3
