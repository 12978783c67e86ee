# Sleeping uses no CPU time.
#
# limits = { cpu_time_ms = 300 }
# [expect]
# verdict = "completed"
# wall_time_ms = [800, 15000]
# cpu_time_ms = [0, 250]
sleep 0.8
