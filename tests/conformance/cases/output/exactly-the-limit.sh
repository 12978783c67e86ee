# Exactly the limit: all is kept, and nothing is truncated.
#
# limits = { output_bytes = 1000 }
# [expect]
# verdict = "completed"
# stdout = { repeat = "0123456789", bytes = 1000 }
# stderr = { repeat = "0123456789", bytes = 1000 }
text=$(printf '0123456789%.0s' $(seq 100))
printf %s "$text"
printf %s "$text" >&2
