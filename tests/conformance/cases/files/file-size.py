# A file larger than its limit is EFBIG for a program that cares.
#
# limits = { file_bytes = 1_000_000 }
# [expect]
# verdict = "completed"
# stdout = "EFBIG after 1000000\n"
import errno

total = 0
try:
    with open("file", "wb", buffering=0) as file:
        while True:
            total += file.write(b"x" * 100_000)
except OSError as error:
    print(errno.errorcode[error.errno], "after", total)
