# One byte less than the limit: all is kept.
#
# limits = { output_bytes = 1000 }
# [expect]
# verdict = "completed"
# stdout = { repeat = "0123456789", bytes = 999 }
# stderr = { repeat = "0123456789", bytes = 999 }
text=$(printf '0123456789%.0s' $(seq 100))
printf %.999s "$text"
printf %.999s "$text" >&2
