"""Things on the host that no program may reach: what they are is told to the cases, and whether they were touched is asked at
the end. A program that is refused may be mistaken; a listener that nobody connected to is not."""

import os
import socket
from pathlib import Path

SECRET = "the-secret-of-the-host"


class Canaries:
    def __init__(self, directory):
        self.tcp = socket.create_server(("127.0.0.1", 0))
        self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.udp.bind(("127.0.0.1", 0))
        self.abstract = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.abstract_name = f"assay-canary-{os.getpid()}"
        self.abstract.bind("\0" + self.abstract_name)
        self.abstract.listen()
        self.unix = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.unix_path = f"{directory}/canary-socket"
        self.unix.bind(self.unix_path)
        self.unix.listen()
        self.secret_path = Path(directory, "canary-secret")
        self.secret_path.write_text(SECRET)
        os.chmod(self.unix_path, 0o777)
        self.secret_path.chmod(0o666)

    def variables(self):
        return {
            "tcp_port": self.tcp.getsockname()[1],
            "udp_port": self.udp.getsockname()[1],
            "abstract_name": self.abstract_name,
            "unix_path": self.unix_path,
            "secret_path": self.secret_path,
            "secret": SECRET,
            "runner_pid": os.getpid(),
            "hostname": socket.gethostname(),
        }

    def faults(self):
        """What was touched."""
        for name in ("tcp", "udp", "abstract", "unix"):
            listener = getattr(self, name)
            listener.setblocking(False)
            try:
                listener.recvfrom(1) if name == "udp" else listener.accept()
                yield f"a program reached the host's {name} socket"
            except BlockingIOError:
                pass
        if self.secret_path.read_text() != SECRET:
            yield f"a program changed {self.secret_path}"
