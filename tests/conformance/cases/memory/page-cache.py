# Reading far more than the memory limit from files is no use of memory that kills.
#
# limits = { memory_bytes = 33_554_432 }
# [expect]
# verdict = "completed"
# stdout = "read enough\n"
import os

total = 0
for directory, _, names in os.walk("/usr/lib"):
    for name in names:
        path = os.path.join(directory, name)
        if total > 100_000_000 or not os.path.isfile(path):
            continue
        try:
            with open(path, "rb", buffering=0) as file:
                while data := file.read(1 << 20):
                    total += len(data)
        except OSError:
            pass
print("read enough" if total > 30_000_000 else total)
