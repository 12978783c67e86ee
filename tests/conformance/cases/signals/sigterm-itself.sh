# SIGTERM to itself is failed by SIGTERM: not timed out, not cancelled.
#
# [expect]
# verdict = "failed"
# signal = "SIGTERM"
kill -TERM $$
