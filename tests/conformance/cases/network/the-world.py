# There is no way out: no address, no name, no metadata service, and it is refused at once instead of waited for.
#
# [expect]
# verdict = "completed"
# stdout = "no way out\n"
# wall_time_ms = [0, 6000]
# [unless.network]
# # Nobody promises that there is none.
# stdout = { matches = ".*\n" }
# unset = ["wall_time_ms"]
import socket

reached = []
targets = [
    (socket.AF_INET, ("169.254.169.254", 80)), (socket.AF_INET, ("192.0.2.1", 80)), (socket.AF_INET, ("10.0.0.1", 443)),
    (socket.AF_INET, ("172.17.0.1", 22)), (socket.AF_INET6, ("2001:db8::1", 80)), (socket.AF_INET6, ("fd00:ec2::254", 80)),
    (socket.AF_INET, ("127.0.0.1", 7117)), (socket.AF_INET, ("127.0.0.53", 53)), (socket.AF_INET6, ("::1", 7117)),
]
for family, address in targets:
    try:
        with socket.socket(family, socket.SOCK_STREAM) as connection:
            connection.settimeout(1)
            connection.connect(address)
            reached.append(address)
    except OSError:
        pass
try:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagram:
        datagram.sendto(b"x", ("192.0.2.1", 53))
        reached.append("UDP")
except OSError:
    pass
try:
    reached.append(socket.getaddrinfo("example.org", 80))
except OSError:
    pass
print(reached or "no way out")
