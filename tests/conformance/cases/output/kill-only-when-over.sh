# Where the client asked for a kill, exactly the limit is not over it.
#
# on_output_limit = "kill"
# limits = { output_bytes = 1000 }
# [expect]
# verdict = "completed"
# stdout = { repeat = "0123456789", bytes = 1000 }
printf '0123456789%.0s' $(seq 100)
