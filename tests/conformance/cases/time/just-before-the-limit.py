# What ends a little before its limit has not timed out.
#
# limits = { wall_time_ms = 6000 }
# [expect]
# verdict = "completed"
# stdout = "done\n"
# wall_time_ms = [2500, 5999]
import time

time.sleep(2.5)
print("done")
