# The fork bomb of the shell: the main process ends at once, which completes it; the rest is gone.
#
# limits = { processes = 32 }
# [expect]
# wall_time_ms = [0, 15000]
# either = [
#   { verdict = "completed", stderr = { matches = ".*" } },
#   { verdict = "completed", stderr = { matches = ".*" }, limit = "processes" },
# ]
bomb() { bomb | bomb & }
bomb
