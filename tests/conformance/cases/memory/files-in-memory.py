# Files in /tmp are memory: more of them than the memory limit is out of memory.
#
# limits = { memory_bytes = 67_108_864, disk_bytes = 268_435_456 }
# [expect]
# verdict = "out_of_memory"
# limit = "memory_bytes"
import time

with open("/tmp/file", "wb", buffering=0) as file:
    for _ in range(90):
        file.write(b"x" * (1 << 20))
time.sleep(5)  # where memory is looked at from time to time only, that time has come
print("done")
