# A program that answers SIGTERM with exit code 0 is not completed by being stopped.
#
# limits = { wall_time_ms = 500 }
# [expect]
# verdict = "timed_out"
# limit = "wall_time_ms"
import signal
import sys
import time

signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
signal.signal(signal.SIGXCPU, lambda *_: sys.exit(0))
time.sleep(60)
