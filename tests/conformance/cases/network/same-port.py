# Two evaluations at the same time can listen on the same port, and do not hear each other.
#
# copies = 2
# [expect]
# verdict = "completed"
# stdout = "listening\nalone\n"
import socket
import time

server = socket.create_server(("127.0.0.1", 8080))
everywhere = socket.create_server(("", 7117))
print("listening")
time.sleep(0.8)
server.settimeout(0)
try:
    server.accept()
    print("somebody came")
except BlockingIOError:
    print("alone")
