# A flood without end is ended by the time limit, and head and tail of what came before are there.
#
# limits = { wall_time_ms = 700, output_bytes = 4096 }
# [expect]
# verdict = "timed_out"
# limit = "wall_time_ms"
# stdout = { repeat = "y\n", bytes_least = 100_000 }
yes
