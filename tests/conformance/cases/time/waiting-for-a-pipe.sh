# A program that waits for somebody who never comes is ended by the wall time limit.
#
# limits = { wall_time_ms = 500 }
# [expect]
# verdict = "timed_out"
# limit = "wall_time_ms"
# stdout = "waiting\n"
mkfifo pipe
echo waiting
cat pipe
