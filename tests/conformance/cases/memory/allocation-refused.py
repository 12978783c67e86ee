# An allocation that cannot be granted at all is an exception of Python: failed.
#
# [expect]
# verdict = "failed"
# exit_code = 1
# stderr = { contains = ["MemoryError"] }
data = bytearray(1 << 60)
