# A program that answers SIGXCPU with exit code 0 is not completed by that.
#
# limits = { cpu_time_ms = 500 }
# [expect]
# verdict = "timed_out"
# limit = "cpu_time_ms"
import os
import signal

signal.signal(signal.SIGXCPU, lambda *_: os._exit(0))
signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
while True:
    pass
