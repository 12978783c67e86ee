# A limit of one process is the program alone: it can start no other.
#
# limits = { processes = 1 }
# [expect]
# verdict = "failed"
# exit_code = 2
# limit = "processes"
# stdout = "alone\n"
# stderr = { contains = ["Cannot fork"] }
# [unless.memory]
# unset = ["limit"]
echo alone
(echo never)
echo never either
