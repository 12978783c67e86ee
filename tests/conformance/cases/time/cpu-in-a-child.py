# CPU time burned in a child while the main process sleeps counts.
#
# limits = { cpu_time_ms = 500 }
# [expect]
# verdict = "timed_out"
# limit = "cpu_time_ms"
import os
import time

if os.fork() == 0:
    while True:
        pass
time.sleep(60)
