# A child was killed for memory, long before; then the main process kills itself. The counter says memory, and so do we.
#
# limits = { memory_bytes = 100_663_296 }
# [expect]
# verdict = "out_of_memory"
# limit = "memory_bytes"
import os
import signal

child = os.fork()
if child == 0:
    open("/proc/self/oom_score_adj", "w").write("1000")  # the kernel shall choose this one
    data = bytearray(b"x") * 300_000_000
    os._exit(0)
os.waitpid(child, 0)
os.kill(os.getpid(), signal.SIGKILL)
