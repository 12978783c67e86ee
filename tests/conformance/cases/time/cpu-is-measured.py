# What was burned, in the program and in its children, is what is reported.
#
# [expect]
# verdict = "completed"
# cpu_time_ms = [500, 1200]
import os
import time


def burn(seconds):
    until = time.process_time() + seconds
    while time.process_time() < until:
        pass


if os.fork() == 0:
    burn(0.25)
    os._exit(0)
os.wait()
burn(0.25)
