# Two evaluations at the same time can bind the same abstract name; each reaches only itself.
#
# copies = 2
# [expect]
# verdict = "completed"
# stdout = "bound and reached itself\n"
import os
import socket
import time

server = socket.socket(socket.AF_UNIX)
server.bind("\0the-same-name")
server.listen()
time.sleep(0.5)
client = socket.socket(socket.AF_UNIX)
client.connect("\0the-same-name")
client.sendall(os.environ["EVAL_ID"].encode())
connection, _ = server.accept()
time.sleep(0.5)
said = connection.recv(100).decode()
server.settimeout(0)
try:
    server.accept()
    print("somebody else came")
except BlockingIOError:
    print("bound and reached itself" if said == os.environ["EVAL_ID"] else said)
