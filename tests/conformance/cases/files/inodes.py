# The number of files is limited as well.
#
# limits = { wall_time_ms = 60_000, cpu_time_ms = 60_000 }
# [expect]
# verdict = "completed"
# stdout = ".: ENOSPC\n/tmp: ENOSPC\n"
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
