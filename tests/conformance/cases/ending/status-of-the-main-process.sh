# What children end with does not matter, however they end: the main process decides.
#
# [expect]
# verdict = "completed"
(exit 7) || true
sh -c 'kill -SEGV $$' 2>/dev/null
(sleep 0.05; exit 9) &
sh -c '(sleep 0.05; exit 11) &'
sleep 0.2
exit 0
