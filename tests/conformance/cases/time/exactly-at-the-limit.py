# A program that ends just when its limit does gets one of two verdicts, and the one that fits its end.
#
# copies = 6
# limits = { wall_time_ms = 300 }
# [expect]
# either = [{ verdict = "timed_out", limit = "wall_time_ms" }, { verdict = "failed", exit_code = 9 }]
import os
import time

started = float(open("/proc/self/stat").read().rsplit(")", 1)[1].split()[19]) / os.sysconf("SC_CLK_TCK")
time.sleep(max(0, started + 0.297 - time.clock_gettime(time.CLOCK_BOOTTIME)))
os._exit(9)
