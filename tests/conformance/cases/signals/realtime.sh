# A realtime signal has a name too.
#
# [expect]
# verdict = "failed"
# signal = "SIGRTMIN+3"
kill -37 $$
