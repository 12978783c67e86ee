# What ends a little before its limit has not timed out.
#
# limits = { wall_time_ms = 1500 }
# [expect]
# verdict = "completed"
# stdout = "done\n"
# wall_time_ms = [700, 1499]
import time

time.sleep(0.7)
print("done")
