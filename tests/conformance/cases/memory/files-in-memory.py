# Files in /tmp are memory: more of them than the memory limit is out of memory.
#
# limits = { memory_bytes = 67_108_864, disk_bytes = 268_435_456 }
# [expect]
# verdict = "out_of_memory"
# limit = "memory_bytes"
with open("/tmp/file", "wb", buffering=0) as file:
    for _ in range(90):
        file.write(b"x" * (1 << 20))
print("done")
