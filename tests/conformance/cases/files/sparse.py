# A sparse file beyond the limit of a file's size cannot be made.
#
# limits = { file_bytes = 1_048_576 }
# [expect]
# verdict = "completed"
# stdout = "EFBIG\n"
import errno
import os

try:
    os.truncate(os.open("file", os.O_RDWR | os.O_CREAT), 1 << 40)
    print("allowed")
except OSError as error:
    print(errno.errorcode[error.errno])
