#!/usr/bin/python3
"""1,000 clients follow one program that prints 1,000 lines/s, and 5,000 follow in silence: by hand, since it takes half a
minute and most of a machine. Prints what was measured.

    many_followers.py --assayd … --keeper …
"""

import io
import re
import resource
import selectors
import tempfile
import time
from pathlib import Path

from scenario import main
from harness.client import connect
from harness.events import Stream

FOLLOWERS, LINES_PER_SECOND, SECONDS, IDLE = 1000, 1000, 10, 5000
RESIDENT_KIB_MAX = 64 * 1024
CODE = f"""
import time
begun = time.monotonic()
for i in range({LINES_PER_SECOND * SECONDS}):
    print("this is line", i, flush=True)
    time.sleep(max(0, begun + i / {LINES_PER_SECOND} - time.monotonic()))
"""
WRITTEN = b"".join(b"this is line %d\n" % i for i in range(LINES_PER_SECOND * SECONDS))
SUBMISSION = {"runtime": "python", "code": CODE, "limits": {"output_bytes": 4 << 20}}


def peak_kib(daemon):
    with open(f"/proc/{daemon.pid}/status") as status:
        return int(re.search(r"VmHWM:\s+(\d+)", status.read())[1])


class Recorded:
    """What a client was sent, on disk; read when all is over."""

    def __init__(self, directory, number, address, path):
        self.socket = connect(address, 60)
        self.socket.sendall(f"GET {path} HTTP/1.0\r\nHost: localhost\r\n\r\n".encode())
        self.socket.setblocking(False)
        self.path = Path(directory) / str(number)
        self.file = open(self.path, "ab", buffering=0)

    def take(self):
        """False at the end."""
        part = self.socket.recv(1 << 18)
        self.file.write(part)
        return bool(part)

    def close(self):
        self.socket.close()
        self.file.close()

    def output(self):
        """A stream of the recording, as if it came just now."""
        stream = object.__new__(Stream)
        stream.response, stream.ids = io.BytesIO(self.path.read_bytes().partition(b"\r\n\r\n")[2]), []
        return b"".join(event.bytes for event in stream if event.name == "output")


def record(clients):
    with selectors.DefaultSelector() as selector:
        for client in clients:
            selector.register(client.socket, selectors.EVENT_READ, client)
        left = len(clients)
        while left:
            for key, _ in selector.select():
                if not key.data.take():
                    selector.unregister(key.fileobj)
                    left -= 1


def wall_ms(client, evaluation_id):
    return client.finished(evaluation_id)["usage"]["wall_time_ms"]


def a_thousand_followers_are_told_every_line_and_the_program_is_not_slowed(scenario):
    with scenario.daemon(slots=1) as daemon, tempfile.TemporaryDirectory() as directory:
        client = daemon.client()
        alone_ms = wall_ms(client, client.submit(SUBMISSION).json["id"])
        before_kib = peak_kib(daemon)
        evaluation_id = client.submit(SUBMISSION).json["id"]
        clients = [Recorded(directory, i, daemon.address, f"/v1/evaluations/{evaluation_id}/events") for i in range(FOLLOWERS)]
        record(clients)
        followed_ms, kib = wall_ms(client, evaluation_id), peak_kib(daemon)
        print(f"# {FOLLOWERS} followers: peak {kib} KiB (before: {before_kib}), program {followed_ms} ms (alone: {alone_ms})")
        if kib > RESIDENT_KIB_MAX:
            yield f"{kib} KiB resident"
        wrong = 0
        for each in clients:
            each.close()
            wrong += each.output() != WRITTEN
        if wrong:
            yield f"{wrong} of {FOLLOWERS} were told something else than was written"


def thousands_who_follow_in_silence_cost_little(scenario):
    with scenario.daemon(slots=1) as daemon:
        client = daemon.client()
        evaluation_id = client.submit({"runtime": "sh", "code": "sleep 20"}).json["id"]
        sockets = []
        for number in range(IDLE):
            sockets.append(connect(daemon.address, 60))
            path = f"/v1/evaluations/{evaluation_id}/events" if number % 2 else "/v1/events"
            sockets[-1].sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        for one in sockets:
            one.recv(1 << 16)
        begun = time.monotonic()
        client.request("GET", "/healthz")
        answered_ms = (time.monotonic() - begun) * 1000
        kib = peak_kib(daemon)
        print(f"# {IDLE} silent followers: peak {kib} KiB, another request is answered in {answered_ms:.1f} ms")
        if kib > RESIDENT_KIB_MAX:
            yield f"{kib} KiB resident"
        for one in sockets:
            one.close()
        client.cancel(evaluation_id)


if __name__ == "__main__":
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 4 * IDLE), hard))
    main(
        a_thousand_followers_are_told_every_line_and_the_program_is_not_slowed,
        thousands_who_follow_in_silence_cost_little,
    )
