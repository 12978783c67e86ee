# Without standard input there is an empty one.
#
# [expect]
# verdict = "completed"
# stdout = "0\n"
wc -c
