# What /proc tells of the first process and of others is closed: environment, memory, root, descriptors.
#
# [expect]
# verdict = "completed"
# stdout = "closed\n"
import os

opened = []
others = [name for name in os.listdir("/proc") if name.isdigit() and int(name) != os.getpid()]
for pid in {*others, "1", str(os.getppid())}:
    for name in ("environ", "mem", "maps", "auxv", "syscall", "stack"):
        try:
            with open(f"/proc/{pid}/{name}", "rb") as file:
                file.read(1)
                opened.append(file.name)
        except OSError:
            pass
    for name in ("root", "cwd", "exe", "fd"):
        try:
            os.listdir(f"/proc/{pid}/{name}") if name != "exe" else os.readlink(f"/proc/{pid}/{name}")
            opened.append(f"/proc/{pid}/{name}")
        except OSError:
            pass
print(sorted(opened) or "closed")
