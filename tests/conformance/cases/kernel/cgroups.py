# A program can neither move itself nor change its limits: there are no cgroups to write to, and its own are roots to it.
#
# [expect]
# verdict = "completed"
# stdout = "nothing written\nroots\n"
# [on.kubernetes]
# # On cgroup v1 its containers have no cgroup namespace, and the isolation says so: a program sees what its own are called.
# stdout = { matches = "nothing written\n(roots|\\{'/[^',]*'\\})\n" }
import os

written = []
for directory, names, files in os.walk("/sys/fs/cgroup"):
    for name in files:
        if name in ("cgroup.procs", "tasks", "memory.max", "memory.limit_in_bytes", "pids.max", "cgroup.freeze", "cgroup.kill", "release_agent"):
            try:
                with open(os.path.join(directory, name), "w") as file:
                    file.write("0")
                written.append(file.name)
            except OSError:
                pass
    for attempt in ("new",):
        try:
            os.mkdir(os.path.join(directory, attempt))
            written.append(directory)
        except OSError:
            pass
print(written or "nothing written")
paths = {line.rstrip("\n").split(":", 2)[2] for line in open("/proc/self/cgroup")}
print("roots" if paths <= {"/"} else paths)
