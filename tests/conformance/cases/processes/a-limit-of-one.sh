# A limit of one process is the program alone: it can start no other.
#
# limits = { processes = 1 }
# [expect]
# verdict = "failed"
# exit_code = 2
# limit = "processes"
# stdout = "alone\n"
# stderr = { contains = ["Cannot fork"] }
# [on.kubernetes]
# # It limits no number of processes: the kernel does, by user id, and does not tell that it did.
# unset = ["limit"]
# [unless.memory]
# unset = ["limit"]
echo alone
(echo never)
echo never either
