# SIGSYS to itself is failed by SIGSYS.
#
# [expect]
# verdict = "failed"
# signal = "SIGSYS"
kill -SYS $$
