# The fork bomb of the shell: the main process ends at once, which completes it; the rest is gone.
#
# limits = { processes = 32 }
# [expect]
# verdict = "completed"
# stderr = { matches = ".*" }
# wall_time_ms = [0, 3000]
bomb() { bomb | bomb & }
bomb
