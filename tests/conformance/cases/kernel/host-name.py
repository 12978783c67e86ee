# The name of the host is not told.
#
# env = { HOST = "${hostname}" }
# [expect]
# verdict = "completed"
# stdout = "another\n"
import os
import socket

names = {socket.gethostname(), os.uname().nodename, open("/proc/sys/kernel/hostname").read().strip()}
print("the host's" if os.environ["HOST"] in names else "another")
