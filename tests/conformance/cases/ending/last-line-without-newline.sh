# A last line without a newline is kept as it is.
#
# [expect]
# verdict = "completed"
# stdout = "one\ntwo"
printf 'one\ntwo'
