# A program may exchange its streams.
#
# [expect]
# verdict = "completed"
# stdout = "to stderr\n"
# stderr = "to stdout\n"
exec 3>&1 1>&2 2>&3 3>&-
echo to stdout
echo to stderr >&2
