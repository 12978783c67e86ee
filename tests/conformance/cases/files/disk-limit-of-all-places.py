# No writable place is beyond the disk limit: whatever can be written to is small.
#
# limits = { disk_bytes = 4_194_304, memory_bytes = 268_435_456 }
# [expect]
# verdict = "completed"
# stdout = "none\n"
import os

large = []
devices = set()
for directory, names, _ in os.walk("/"):
    if directory == "/":
        names[:] = [name for name in names if name not in ("proc", "sys")]
    device = os.lstat(directory).st_dev
    if device in devices or not os.access(directory, os.W_OK):
        continue
    devices.add(device)
    path = f"{directory}/big"
    try:
        with open(path, "wb", buffering=0) as file:
            total = 0
            while total < 16 << 20:
                total += file.write(b"x" * 65536)
    except OSError:
        total = os.path.getsize(path) if os.path.exists(path) else 0
    if total > 4 << 20:
        large.append((directory, total))
    if os.path.exists(path):
        os.remove(path)
print(large or "none")
