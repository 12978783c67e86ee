# There is no interface but the loopback.
#
# [expect]
# verdict = "completed"
# stdout = "only lo\n"
# [unless.network]
# # A pod has one: what is reached through it a NetworkPolicy says, and the isolation that nobody here knows.
# stdout = { matches = "\\{.*'lo'.*\\}\n" }
import socket

names = {name for _, name in socket.if_nameindex()}
print("only lo" if names <= {"lo"} else names)
