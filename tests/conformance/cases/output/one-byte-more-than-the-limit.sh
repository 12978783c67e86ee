# One byte more than the limit: one byte in the middle is omitted, and the end is there.
#
# limits = { output_bytes = 1000 }
# [expect]
# verdict = "completed"
# stdout = { repeat = "0123456789", bytes = 1001 }
# stderr = { repeat = "0123456789", bytes = 1001 }
text=$(printf '0123456789%.0s' $(seq 101))
printf %.1001s "$text"
printf %.1001s "$text" >&2
