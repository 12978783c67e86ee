# More than the disk limit is ENOSPC, for all writable places together or each; what was written until then is there.
#
# limits = { disk_bytes = 8_388_608 }
# [expect]
# verdict = "completed"
# stdout = ".: ENOSPC within 8 MiB\n/tmp: ENOSPC within 8 MiB\n"
import errno
import os

for place in (".", "/tmp"):
    total, code = 0, 0
    with open(f"{place}/file", "wb", buffering=0) as file:
        try:
            while total < 100_000_000:
                total += file.write(b"x" * 65536)
        except OSError as error:
            code = error.errno
    within = "within 8 MiB" if total <= 8 << 20 else f"after {total}"
    print(f"{place}: {errno.errorcode.get(code, 'no error')} {within}")
    os.remove(f"{place}/file")
