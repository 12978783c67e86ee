# Memory files without a name count as memory.
#
# limits = { memory_bytes = 67_108_864 }
# [expect]
# verdict = "out_of_memory"
# limit = "memory_bytes"
# [unless.memory]
# verdict = "completed"
# unset = ["limit"]
# stdout = "done\n"
import os

file = os.memfd_create("hidden")
for _ in range(90):
    os.write(file, b"x" * (1 << 20))
print("done")
