# A sleeper is ended by the wall time limit, and what it wrote before is kept.
#
# limits = { wall_time_ms = 400 }
# [expect]
# verdict = "timed_out"
# limit = "wall_time_ms"
# reason = "wall time"
# stdout = "before\n"
# stderr = "before too"
# cpu_time_ms = [0, 300]
echo before
printf 'before too' >&2
sleep 1000
echo never
