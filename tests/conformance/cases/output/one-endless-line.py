# One line of many megabytes is cut like any other output.
#
# [expect]
# verdict = "completed"
# stdout = { repeat = "abc", bytes = 12_000_000 }
import sys

sys.stdout.write("abc" * 4_000_000)
