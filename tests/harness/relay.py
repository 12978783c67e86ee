"""A relay between a client and a server on the same host, whose connections a test cuts, or lets go silent, as networks do."""

import contextlib
import socket
import threading

PIECE_BYTES = 65536


class Relay:
    """Listens on a port of its own and passes on to `port`. `entered`: a context in which sockets are made, such as another
    network namespace."""

    def __init__(self, port, entered=contextlib.nullcontext):
        self.port = port
        self.entered = entered
        self.lock = threading.Lock()
        self.pairs = []  # of sockets, of the connections that there are
        self.silent = set()  # those whose bytes are not passed on any more
        with entered():
            self.listener = socket.create_server(("127.0.0.1", 0))
        self.listening_port = self.listener.getsockname()[1]

    def __enter__(self):
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.listener.close()
        self.cut()

    def cut(self):
        """All connections break."""
        with self.lock:
            pairs, self.pairs = self.pairs, []
        for pair in pairs:
            for one in pair:
                with contextlib.suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)

    def hush(self):
        """Nothing more comes through the connections that there are; new ones are as ever."""
        with self.lock:
            self.silent |= set(self.pairs)

    def _accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
                with self.entered():
                    server = socket.create_connection(("127.0.0.1", self.port))
            except OSError:
                if self.listener.fileno() < 0:
                    return
                client.close()
                continue
            pair = client, server
            with self.lock:
                self.pairs.append(pair)
            for source, target in (pair, pair[::-1]):
                threading.Thread(target=self._pass_on, args=[pair, source, target], daemon=True).start()

    def _pass_on(self, pair, source, target):
        with contextlib.suppress(OSError):
            while piece := source.recv(PIECE_BYTES):
                if pair in self.silent:
                    return
                target.sendall(piece)
        if pair not in self.silent:
            for one in pair:
                with contextlib.suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)
