# The kernel itself says it: no capabilities of any kind, no new privileges, a filter of system calls, not root.
#
# [expect]
# verdict = "completed"
# stdout = "CapInh 0\nCapPrm 0\nCapEff 0\nCapBnd 0\nCapAmb 0\nNoNewPrivs 1\nSeccomp 2\nnot root\n"
# [on.docker]
# # The bounding set is that of the keeper: KILL, SETGID and SETUID. To take it away it would need one capability more, and with
# # NoNewPrivs nothing can be had from it.
# stdout = "CapInh 0\nCapPrm 0\nCapEff 0\nCapBnd 224\nCapAmb 0\nNoNewPrivs 1\nSeccomp 2\nnot root\n"
import os

wanted = ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb", "NoNewPrivs", "Seccomp")
status = dict(line.rstrip("\n").split(":\t", 1) for line in open("/proc/self/status"))
for key in wanted:
    print(key, int(status[key], 16))
identities = {*os.getresuid(), *os.getresgid(), *os.getgroups()}
print("root" if 0 in identities else "not root")
