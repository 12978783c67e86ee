# Nothing of the host can be written to through any mount, and no block device is mounted for writing.
#
# [expect]
# verdict = "completed"
# stdout = "read-only or private\n"
# [on.docker]
# # The directory into which the keeper writes the evidence comes from the host, and is closed to everybody but the keeper.
# stdout = { matches = "(read-only or private|\\[\\('/assay/attempt', '\\w+', 'closed'\\)\\])\n" }
# [on.kubernetes]
# # What the keeper came in, where its last words go, and the kubelet's list of names: Landlock, or who owns them, closes them.
# stdout = { matches = "\\[(\\('/(assay|assay-termination|etc/hosts|etc/hostname|etc/resolv.conf)', '\\w+', 'not to be written'\\)(, )?)*\\]\n" }
import os
import tempfile


def state_of(path):
    if not any(os.access(path, way) for way in (os.R_OK, os.W_OK, os.X_OK)):
        return "closed"
    try:
        tempfile.TemporaryFile(dir=path).close() if os.path.isdir(path) else open(path, "ab").close()
    except OSError:
        return "not to be written"
    return "open"


harmless = {"devtmpfs", "tmpfs", "proc", "mqueue", "devpts", "overlay"}
writable = []
for line in open("/proc/self/mountinfo"):
    fields = line.split()
    options, kind = fields[5].split(","), fields[fields.index("-") + 1]
    if "rw" in options and kind not in harmless:
        writable.append((fields[4], kind, state_of(fields[4])))
print(writable or "read-only or private")
