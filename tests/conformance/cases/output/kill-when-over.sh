# Where the client asked for it, more than the limit ends the program.
#
# on_output_limit = "kill"
# limits = { output_bytes = 4096 }
# [expect]
# verdict = "output_exceeded"
# limit = "output_bytes"
# stdout = { repeat = "y\n", bytes_least = 4097 }
yes
