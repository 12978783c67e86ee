# The same for stderr, and the byte counts tell which of the two it was.
#
# on_output_limit = "kill"
# limits = { output_bytes = 100 }
# [expect]
# verdict = "output_exceeded"
# limit = "output_bytes"
# stdout = "short\n"
# stderr = { repeat = "e\n", bytes_least = 101 }
echo short
yes e >&2
