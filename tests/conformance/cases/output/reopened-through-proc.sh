# A program may open its streams anew by their names.
#
# [expect]
# verdict = "completed"
# stdout = "one\n"
# stderr = "two\n"
echo one >/dev/stdout
echo two >/proc/self/fd/2
