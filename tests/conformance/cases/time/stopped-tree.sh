# The same for a whole tree of stopped processes.
#
# limits = { wall_time_ms = 500 }
# [expect]
# verdict = "timed_out"
# limit = "wall_time_ms"
for i in 1 2 3; do
  sh -c 'kill -STOP $$; echo woken' &
done
wait
