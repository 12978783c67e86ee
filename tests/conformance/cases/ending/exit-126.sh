# Exit code 126 of a program that ran is failed, not not_started.
#
# [expect]
# verdict = "failed"
# exit_code = 126
exit 126
