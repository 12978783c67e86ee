"""A bad line to Docker: a proxy on a Unix socket between a client and dockerd that delays, loses, refuses and garbles what the
test says, and counts the calls.

    with Proxy(directory / "proxy.sock", engine.socket) as proxy:
        slow = proxy.add("POST /containers/[^/]+/start", delay_reply(0.3))
        …
        slow.count      # how often it did what it does

A fault is a function of an Exchange: one request, which it may send on, and answer, or not. The last one added whose pattern
matches decides; without one a request is passed on.
"""

import contextlib
import json
import os
import random
import re
import socket
import threading
import time
from collections import Counter

BODILESS = (204, 304)
# An id or a name in a path is not what a call is counted by.
COUNTED_AS = re.compile(r"(?<=/)(containers|images|volumes|exec)/(?!json|create|prune|load|search)(.+?)(?=/[a-z]+$|$)")


class Closed(Exception):
    """The connection is at its end, whoever ended it."""


class Rule:
    def __init__(self, pattern, fault):
        self.pattern = re.compile(pattern)
        self.fault = fault
        self.count = 0


class Proxy:
    def __init__(self, path, upstream):
        self.path, self.upstream = str(path), str(upstream)
        self.rules = []
        self.calls = Counter()  # {"POST /containers/{}/start": 20}
        self.lock = threading.Lock()
        self.open = set()  # sockets of connections under way
        self.listener = None

    def __enter__(self):
        self._listen()
        return self

    def __exit__(self, *_):
        self._stop_listening()
        self.hang_up()

    @property
    def host(self):
        return f"unix://{self.path}"

    def add(self, pattern, fault):
        """`pattern` is searched for in "METHOD /path?query", the path without Docker's version."""
        rule = Rule(pattern, fault)
        with self.lock:
            self.rules.append(rule)
        return rule

    def clear(self):
        """Passes everything on again. What is under way stays as it is: see hang_up()."""
        with self.lock:
            self.rules.clear()

    def hang_up(self):
        """Breaks all connections off, as if the engine had gone."""
        with self.lock:
            sockets, self.open = self.open, set()
        for each in sockets:
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    @contextlib.contextmanager
    def gone(self):
        """Nobody listens meanwhile, and what was connected is broken off."""
        self._stop_listening()
        self.hang_up()
        try:
            yield
        finally:
            self._listen()

    def _listen(self):
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.listener.bind(self.path)
        self.listener.listen(256)
        threading.Thread(target=self._accept, args=[self.listener], daemon=True).start()

    def _stop_listening(self):
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        os.unlink(self.path)

    def _accept(self, listener):
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=[connection], daemon=True).start()

    def _serve(self, downstream):
        with downstream, socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as upstream:
            with self.lock:
                self.open |= {downstream, upstream}
            try:
                upstream.connect(self.upstream)
                reader, answers = downstream.makefile("rb"), upstream.makefile("rb")
                while True:
                    exchange = Exchange(reader, downstream, upstream, answers)
                    self._fault_for(exchange.call)(exchange)
            except (Closed, OSError):
                pass
            finally:
                with self.lock:
                    self.open -= {downstream, upstream}

    def _fault_for(self, call):
        with self.lock:
            self.calls[COUNTED_AS.sub(r"\1/{}", call.partition("?")[0])] += 1
            for rule in reversed(self.rules):
                if rule.pattern.search(call):
                    rule.count += 1
                    return rule.fault
        return pass_on


class Exchange:
    """A request that was read, and what can be done with it, in this order: send(), read_head(), chunks() or read_rest()."""

    def __init__(self, reader, downstream, upstream, answers):
        self.downstream, self.upstream, self.answers = downstream, upstream, answers
        self.head = _read_head(reader)
        method, target, _ = self.head.split(b"\r\n", 1)[0].decode("latin-1").split(" ")
        self.call = f"{method} {re.sub('^/v[0-9.]+(?=/)', '', target)}"
        fields = _fields(self.head)
        if fields.get("expect") == "100-continue":
            downstream.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
            self.head = re.sub(rb"(?i)\r\nexpect:[^\r]*", b"", self.head)
        self.body = b"".join(_raw_body(reader, fields, until_end=False))
        self.status = None

    def send(self):
        self.upstream.sendall(self.head + self.body)

    def read_head(self):
        """The head of the answer, as it came."""
        head = _read_head(self.answers)
        self.status = int(head.split(b" ", 2)[1])
        self.answer_fields = _fields(head)
        return head

    def chunks(self):
        """The body of the answer as it comes, framed as it was. Wait for the head first."""
        if self.call.startswith("HEAD ") or self.status in BODILESS:
            return iter(())
        return _raw_body(self.answers, self.answer_fields, until_end=True)

    def reply(self, data):
        self.downstream.sendall(data)

    def answer(self, status, message):
        body = json.dumps({"message": message}).encode()
        self.reply(b"HTTP/1.1 %d Fault\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (status, len(body), body))

    def hang_up(self):
        raise Closed


def pass_on(exchange):
    exchange.send()
    exchange.reply(exchange.read_head())
    for chunk in exchange.chunks():
        exchange.reply(chunk)


def delay_reply(seconds):
    """Docker has done it, and the client is told so much later."""

    def fault(exchange):
        exchange.send()
        answer = exchange.read_head() + b"".join(exchange.chunks())
        time.sleep(seconds)
        exchange.reply(answer)

    return fault


def lose_reply(exchange):
    """Docker has done it, and the client is never told."""
    exchange.send()
    exchange.read_head()
    for _ in exchange.chunks():
        pass
    exchange.hang_up()


def refuse(exchange):
    """Docker never hears of it."""
    exchange.hang_up()


def hang(exchange):
    """Nobody ever answers."""
    while exchange.downstream.recv(65536):
        pass
    exchange.hang_up()


def answer(status, message="a fault of the test's own"):
    return lambda exchange: exchange.answer(status, message)


def first_of_each(fault):
    """Only the first time that the same is asked for."""
    seen = set()

    def choose(exchange):
        first = exchange.call not in seen
        seen.add(exchange.call)
        (fault if first else pass_on)(exchange)

    return choose


def cut(random_bytes, generator=random):
    """The body breaks off within so many bytes."""

    def fault(exchange):
        exchange.send()
        exchange.reply(exchange.read_head())
        left = generator.randrange(random_bytes)
        for chunk in exchange.chunks():
            exchange.reply(chunk[:left])
            left -= len(chunk)
            if left <= 0:
                exchange.hang_up()

    return fault


def events(change):
    """A stream of JSON lines, changed by the way: `change` is a generator that takes an iterator of events, and yields events."""

    def fault(exchange):
        exchange.send()
        exchange.reply(exchange.read_head())
        for event in change(_json_lines(exchange.chunks())):
            line = json.dumps(event).encode() + b"\n"
            exchange.reply(b"%x\r\n%b\r\n" % (len(line), line))
        exchange.hang_up()

    return fault


@events
def silent_events(incoming):
    """The stream is there, and nothing ever comes."""
    for _ in incoming:
        yield from ()


@events
def dropped_events(incoming):
    """Every other one is missing."""
    for number, event in enumerate(incoming):
        if number % 2:
            yield event


@events
def doubled_events(incoming):
    """Every one comes three times, and an exit code is another one each time."""
    for event in incoming:
        for code in ("0", "137", None):
            changed = json.loads(json.dumps(event))
            if code and "exitCode" in changed.get("Actor", {}).get("Attributes", {}):
                changed["Actor"]["Attributes"]["exitCode"] = code
            yield changed


@events
def reordered_events(incoming):
    """A container's death comes before its start."""
    held = {}
    for event in incoming:
        container, action = event.get("Actor", {}).get("ID"), event.get("Action")
        if action == "start":
            held[container] = event
            continue
        yield event
        if action == "die" and container in held:
            yield held.pop(container)


def _read_head(reader):
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        line = reader.readline(65536)
        if not line:
            raise Closed
        head += line
    return head


def _fields(head):
    lines = head.decode("latin-1").split("\r\n")[1:]
    return {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines if line)}


def _raw_body(reader, fields, until_end):
    """The body with its framing, in parts. Without any framing: none, or all that comes."""
    if fields.get("transfer-encoding", "").lower() == "chunked":
        size = None
        while size != 0:
            line = reader.readline(1024)
            if not line:
                raise Closed
            size = int(line.split(b";")[0], 16)
            yield line + _exactly(reader, size + 2)
    elif "content-length" in fields or not until_end:
        yield _exactly(reader, int(fields.get("content-length", 0)))
    else:
        while data := reader.read1(65536):
            yield data
        raise Closed


def _exactly(reader, size):
    data = reader.read(size)
    if len(data) < size:
        raise Closed
    return data


def _json_lines(chunks):
    """The documents in a chunked body, one a line."""
    rest = b""
    for chunk in chunks:
        size, _, data = chunk.partition(b"\r\n")
        *lines, rest = (rest + data[: int(size, 16)]).split(b"\n")
        for line in filter(None, lines):
            yield json.loads(line)
