# Only a child is killed for memory, and the main process fails of that by its own exit code: failed, with the limit.
#
# limits = { memory_bytes = 100_663_296 }
# [expect]
# verdict = "failed"
# exit_code = 4
# limit = "memory_bytes"
# [unless.memory]
# verdict = "out_of_memory"
# unset = ["exit_code"]
import os
import sys

child = os.fork()
if child == 0:
    open("/proc/self/oom_score_adj", "w").write("1000")  # the kernel shall choose this one
    data = bytearray(b"x") * 300_000_000
    os._exit(0)
os.waitpid(child, 0)
sys.exit(4)
