# CPU time burned in orphans in sessions of their own, which end and come anew, counts.
#
# limits = { cpu_time_ms = 600 }
# [expect]
# verdict = "timed_out"
# limit = "cpu_time_ms"
import os
import time

while True:
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            until = time.process_time() + 0.05
            while time.process_time() < until:
                pass
        os._exit(0)
    os.wait()
    time.sleep(0.04)
