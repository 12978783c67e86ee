# Within one sandbox the loopback works, as tests of programs need it.
#
# [expect]
# verdict = "completed"
# stdout = "hello over tcp\nhello over udp\n"
import socket
import threading

server = socket.create_server(("127.0.0.1", 0))


def serve():
    connection, _ = server.accept()
    connection.sendall(b"hello over tcp")
    connection.close()


threading.Thread(target=serve).start()
print(socket.create_connection(server.getsockname()).recv(100).decode())
first, second = (socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2))
first.bind(("127.0.0.1", 0))
second.sendto(b"hello over udp", first.getsockname())
print(first.recv(100).decode())
