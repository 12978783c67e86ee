# Children that were put into the background, in sessions of their own, are gone with the program at its time limit.
#
# limits = { wall_time_ms = 500 }
# [expect]
# verdict = "timed_out"
# limit = "wall_time_ms"
# stdout = "started\n"
for i in 1 2 3 4; do
  setsid sh -c 'trap "" TERM INT HUP; while :; do sleep 30; done' &
done
echo started
wait
