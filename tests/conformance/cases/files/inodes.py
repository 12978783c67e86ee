# The number of files is limited as well.
#
# limits = { wall_time_ms = 60_000, cpu_time_ms = 60_000 }
# [expect]
# verdict = "completed"
# stdout = ".: ENOSPC\n/tmp: ENOSPC\n"
# [on.kubernetes]
# # It limits no number of files: they end with the memory that each takes, or with the program's time. On cgroup v1, where the keeper
# # cannot tell how much of the kernel's memory would be given back, it may be killed with its program.
# stdout = ""
# either = [
#   { verdict = "out_of_memory", limit = "memory_bytes" },
#   { verdict = "timed_out", limit = "wall_time_ms" },
#   { verdict = "lost", reason = "ran out of memory" },
# ]
import errno
import os

for place in (".", "/tmp"):
    code = 0
    os.mkdir(f"{place}/many")
    try:
        for number in range(1_000_000):
            os.close(os.open(f"{place}/many/{number}", os.O_CREAT | os.O_WRONLY))
    except OSError as error:
        code = error.errno
    for name in os.listdir(f"{place}/many"):
        os.remove(f"{place}/many/{name}")
    print(f"{place}: {errno.errorcode.get(code, 'no error')}")
