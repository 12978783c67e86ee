# A realtime signal is named by its number, which is the same in every C library.
#
# [expect]
# verdict = "failed"
# signal = "SIG37"
kill -37 $$
