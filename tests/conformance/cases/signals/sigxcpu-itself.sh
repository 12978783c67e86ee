# SIGXCPU to itself is failed by SIGXCPU: it is not a CPU time limit of ours.
#
# [expect]
# verdict = "failed"
# signal = "SIGXCPU"
kill -XCPU $$
