# There is no interface but the loopback.
#
# [expect]
# verdict = "completed"
# stdout = "only lo\n"
import socket

names = {name for _, name in socket.if_nameindex()}
print("only lo" if names <= {"lo"} else names)
