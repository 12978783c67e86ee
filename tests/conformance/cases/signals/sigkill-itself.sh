# A program that kills itself with SIGKILL has failed by SIGKILL; it did not run out of memory, and nobody else killed it.
#
# [expect]
# verdict = "failed"
# signal = "SIGKILL"
# stdout = "before\n"
echo before
kill -KILL $$
