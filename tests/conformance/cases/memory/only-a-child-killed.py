# Only a child is killed for memory, and the main process copes: completed, with the limit that was hit.
#
# limits = { memory_bytes = 100_663_296 }
# [expect]
# verdict = "completed"
# limit = "memory_bytes"
# stdout = "child ended by 9\n"
# [unless.memory]
# verdict = "out_of_memory"
# stdout = ""
import os

child = os.fork()
if child == 0:
    open("/proc/self/oom_score_adj", "w").write("1000")  # the kernel shall choose this one
    data = bytearray(b"x") * 300_000_000
    os._exit(0)
print("child ended by", os.WTERMSIG(os.waitpid(child, 0)[1]))
