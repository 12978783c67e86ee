# A large input arrives whole.
#
# stdin = { repeat = "0123456789abcdef", bytes = 6_000_001 }
# [expect]
# verdict = "completed"
# stdout = "6000001 True\n"
import sys

data = sys.stdin.buffer.read()
print(len(data), data == (b"0123456789abcdef" * 375_001)[:6_000_001])
