# A program that stops itself is ended by the wall time limit.
#
# limits = { wall_time_ms = 400 }
# [expect]
# verdict = "timed_out"
# limit = "wall_time_ms"
# stdout = "stopping\n"
echo stopping
kill -STOP $$
