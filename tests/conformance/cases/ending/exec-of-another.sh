# A program that becomes another one ends as that one ends.
#
# [expect]
# verdict = "failed"
# exit_code = 7
# stdout = "before\nafter\n"
echo before
exec /bin/sh -c 'echo after; exit 7'
