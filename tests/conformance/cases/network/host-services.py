# Nothing that listens on the host can be reached, whatever kind of socket it is.
#
# env = { TCP = "${tcp_port}", UDP = "${udp_port}", ABSTRACT = "${abstract_name}", UNIX = "${unix_path}" }
# [expect]
# verdict = "completed"
# stdout = "tcp: refused\nudp: no answer\nabstract: refused\nunix: refused\n"
import os
import socket


def attempt(name, family, kind, address):
    try:
        socket.socket(family, kind).connect(address)
        print(f"{name}: connected")
    except OSError:
        print(f"{name}: refused")


attempt("tcp", socket.AF_INET, socket.SOCK_STREAM, ("127.0.0.1", int(os.environ["TCP"])))
try:
    socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"x", ("127.0.0.1", int(os.environ["UDP"])))
except OSError:
    pass
print("udp: no answer")
attempt("abstract", socket.AF_UNIX, socket.SOCK_STREAM, "\0" + os.environ["ABSTRACT"])
attempt("unix", socket.AF_UNIX, socket.SOCK_STREAM, os.environ["UNIX"])
