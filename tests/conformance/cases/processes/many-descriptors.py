# A program can open many files, finds its limit, and takes none from others.
#
# copies = 2
# [expect]
# verdict = "completed"
# stdout = "EMFILE after many\n"
import errno
import os
import time

opened = []
try:
    while True:
        opened.append(os.open("/dev/null", os.O_RDONLY))
except OSError as error:
    print(errno.errorcode[error.errno], "after many" if len(opened) > 200 else f"after {len(opened)}")
    time.sleep(0.5)
