# What /proc and /sys tell of the machine, or let do with it, is closed.
#
# [expect]
# verdict = "completed"
# stdout = "closed\n"
# [on.docker]
# # Docker covers all of these but one, which tells how many keys each user id has in the kernel.
# stdout = "['key-users']\n"
# [on.kubernetes]
# # As on Docker.
# stdout = "['key-users']\n"
import os

opened = []
for path in ("kcore", "kmsg", "keys", "timer_list", "sched_debug", "kpagecount", "kpageflags", "vmallocinfo", "slabinfo", "key-users"):
    try:
        if open(f"/proc/{path}", "rb").read(1):
            opened.append(path)
    except OSError:
        pass
writable = (
    "/proc/sysrq-trigger", "/proc/sys/kernel/core_pattern", "/proc/sys/kernel/hostname", "/proc/sys/kernel/modprobe",
    "/proc/sys/vm/drop_caches", "/proc/sys/kernel/pid_max", "/proc/sys/net/ipv4/ip_forward", "/proc/sys/fs/binfmt_misc/register",
    "/proc/self/uid_map", "/proc/self/setgroups", "/proc/acpi/wakeup", "/proc/irq/default_smp_affinity", "/proc/mtrr",
    "/sys/kernel/uevent_helper", "/sys/kernel/mm/transparent_hugepage/enabled", "/sys/power/state", "/sys/fs/cgroup/cgroup.procs",
)
for path in writable:
    try:
        file = os.open(path, os.O_WRONLY)
        os.write(file, b"0")
        opened.append(path)
    except OSError:
        pass
print(opened or "closed")
