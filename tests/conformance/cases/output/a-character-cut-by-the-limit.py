# Where the limit cuts a character in two, the halves before and behind the gap are not taken for one.
#
# limits = { output_bytes = 9 }
# [expect]
# verdict = "completed"
# stdout = { repeat = "€", bytes = 30 }
print("€" * 10, end="")
