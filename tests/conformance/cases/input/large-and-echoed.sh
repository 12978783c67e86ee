# A large input and a large output at the same time do not wait for each other.
#
# stdin = { repeat = "0123456789abcdef", bytes = 6_000_000 }
# [expect]
# verdict = "completed"
# stdout = { repeat = "0123456789abcdef", bytes = 6_000_000 }
# stderr = { repeat = "0123456789abcdef", bytes = 6_000_000 }
tee /dev/stderr
