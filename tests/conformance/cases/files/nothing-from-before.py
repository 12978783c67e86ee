# Nothing that one evaluation left is there for the next, in no place that can be written to.
#
# copies = 12
# [expect]
# verdict = "completed"
# stdout = "clean\n"
import ctypes
import os

paths = [f"{place}/assay-was-here" for place in (os.getcwd(), "/tmp", "/dev/shm", "/var/tmp", os.environ["HOME"])]
found = [path for path in paths if os.path.exists(path)]
for path in paths:
    try:
        open(path, "w").close()
        os.mkfifo(path + "-fifo")
    except OSError:
        pass
libc = ctypes.CDLL(None, use_errno=True)
key, create, exclusive = 0x617373, 0o1000, 0o2000
if libc.shmget(key, 4096, create | exclusive | 0o666) < 0 and ctypes.get_errno() == 17:
    found.append("System V shared memory")
if libc.semget(key, 1, create | exclusive | 0o666) < 0 and ctypes.get_errno() == 17:
    found.append("a System V semaphore")
if libc.msgget(key, create | exclusive | 0o666) < 0 and ctypes.get_errno() == 17:
    found.append("a System V message queue")
print(found or "clean")
