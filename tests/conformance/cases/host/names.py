# Neither the command line of the sandbox's first process, nor the list of mounts, nor a descriptor tells where the daemon's
# directories are.
#
# env = { STATE = "${state_dir}" }
# [expect]
# verdict = "completed"
# stdout = "not told\n"
# [on.docker]
# # The kernel tells for each mount which directory of its file system it is, and a container's evidence is such a mount.
# stdout = { matches = "\\['/proc/1/mountinfo'(, '/proc/\\d+/mountinfo')*\\]\n" }
import glob
import os

told = []
directory = os.path.dirname(os.environ["STATE"])
for path in glob.glob("/proc/[0-9]*/*"):
    name = os.path.basename(path)
    try:
        if name in ("cmdline", "comm", "mountinfo", "mounts", "mountstats", "maps", "cgroup") and directory in open(path).read():
            told.append(path)
    except OSError:
        pass
for descriptor in range(3):
    if directory in os.readlink(f"/proc/self/fd/{descriptor}"):
        told.append(f"descriptor {descriptor}")
print(told or "not told")
