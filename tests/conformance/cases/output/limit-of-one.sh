# A limit of one byte keeps the first and counts the rest.
#
# limits = { output_bytes = 1 }
# [expect]
# verdict = "completed"
# stdout = { repeat = "abc", bytes = 3 }
printf abc
