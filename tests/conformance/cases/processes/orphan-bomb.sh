# Processes that leave their parents as fast as they can are gone with the program.
#
# limits = { wall_time_ms = 800, cpu_time_ms = 60_000, processes = 32 }
# [expect]
# verdict = "timed_out"
# limit = "wall_time_ms"
# stderr = { matches = ".*" }
cat >again <<'END'
setsid sh again 2>/dev/null &
setsid sh again 2>/dev/null &
sleep 0.01
END
sh again
sleep 60
