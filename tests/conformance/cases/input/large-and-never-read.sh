# A large input that nobody reads holds nothing up.
#
# stdin = { repeat = "never read\n", bytes = 6_000_000 }
# [expect]
# verdict = "completed"
# stdout = "done\n"
# wall_time_ms = [0, 15000]
echo done
