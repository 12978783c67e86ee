# Nothing of the host can be written to through any mount, and no block device is mounted for writing.
#
# [expect]
# verdict = "completed"
# stdout = "read-only or private\n"
# [on.docker]
# # The directory into which the keeper writes the evidence comes from the host, and is closed to everybody but the keeper.
# stdout = { matches = "(read-only or private|\\[\\('/assay/attempt', '\\w+', 'closed'\\)\\])\n" }
import os

harmless = {"devtmpfs", "tmpfs", "proc", "mqueue", "devpts", "overlay"}
writable = []
for line in open("/proc/self/mountinfo"):
    fields = line.split()
    options, kind = fields[5].split(","), fields[fields.index("-") + 1]
    if "rw" in options and kind not in harmless:
        closed = not any(os.access(fields[4], way) for way in (os.R_OK, os.W_OK, os.X_OK))
        writable.append((fields[4], kind, "closed" if closed else "open"))
print(writable or "read-only or private")
