# A limit of nothing keeps nothing and counts everything.
#
# limits = { output_bytes = 0 }
# [expect]
# verdict = "failed"
# exit_code = 4
# stdout = { repeat = "abc", bytes = 3 }
# stderr = { repeat = "de", bytes = 2 }
printf abc
printf de >&2
exit 4
