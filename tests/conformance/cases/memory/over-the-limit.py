# The same in Python, all at once.
#
# limits = { memory_bytes = 67_108_864 }
# [expect]
# verdict = "out_of_memory"
# limit = "memory_bytes"
data = bytearray(b"x") * 200_000_000
print("never")
