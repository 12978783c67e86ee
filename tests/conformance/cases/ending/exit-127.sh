# Exit code 127 of a program that ran is failed, not not_started.
#
# [expect]
# verdict = "failed"
# exit_code = 127
# stderr = { contains = ["not found"] }
no-such-command-anywhere
