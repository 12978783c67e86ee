# Nothing of the host can be written to through any mount, and no block device is mounted for writing.
#
# [expect]
# verdict = "completed"
# stdout = "read-only or private\n"
harmless = {"devtmpfs", "tmpfs", "proc", "mqueue", "devpts", "overlay"}
writable = []
for line in open("/proc/self/mountinfo"):
    fields = line.split()
    options, kind = fields[5].split(","), fields[fields.index("-") + 1]
    if "rw" in options and kind not in harmless:
        writable.append((fields[4], kind))
print(writable or "read-only or private")
