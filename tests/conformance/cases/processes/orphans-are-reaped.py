# Orphans that have ended take no process away from the limit, however many there were.
#
# limits = { processes = 8 }
# [expect]
# either = [
#   { verdict = "completed", stdout = "200 orphans\n" },
#   { verdict = "completed", stdout = "200 orphans\n", limit = "processes" },
# ]
import os
import time

count = 0
while count < 200:
    try:
        child = os.fork()
    except BlockingIOError:
        time.sleep(0.001)  # the last few have not been reaped yet
        continue
    if child == 0:
        try:
            os.fork()
        except BlockingIOError:
            os._exit(1)
        os._exit(0)
    count += os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
print(count, "orphans")
