# The main process closes its streams; what a child writes while the main process lives is kept.
#
# [expect]
# verdict = "completed"
# stdout = "child\n"
(sleep 0.2; echo child) &
exec >&- 2>&-
wait
