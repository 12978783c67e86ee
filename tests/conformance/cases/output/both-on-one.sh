# A program may send one stream into the other.
#
# [expect]
# verdict = "completed"
# stdout = "one\ntwo\n"
exec 2>&1
echo one
echo two >&2
