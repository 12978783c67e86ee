# However fast it ends, and however many do so at once, not a byte is lost.
#
# copies = 200
# [expect]
# verdict = "failed"
# exit_code = 1
# stdout = "out"
# stderr = "err"
printf out
printf err >&2
exit 1
