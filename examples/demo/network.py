import socket

try:
    socket.create_connection(("192.0.2.1", 80), timeout=2)
    print("connected")
except OSError as error:
    print("no network:", error.strerror)
