#!/usr/bin/python3
"""Requests that two parsers could read differently, or that never end, are refused, and the connection is closed. The real
daemon, byte by byte."""

import re
import threading
import time

from scenario import main
from harness.client import connect

STATUS_LINE = re.compile(rb"HTTP/1\.1 (\d{3}) ")
HOST = b"Host: localhost\r\n"
BODY = b'{"command": ["true"]}'


def get(*fields, line=b"GET /healthz HTTP/1.1\r\n", host=HOST):
    return line + host + b"".join(field + b"\r\n" for field in fields) + b"\r\n"


def post(*fields, body=BODY):
    return get(*fields, line=b"POST /v1/evaluations HTTP/1.1\r\n") + body


LENGTH = b"Content-Length: %d" % len(BODY)
CHUNKED = b"Transfer-Encoding: chunked"
CHUNKS = b"%x\r\n%s\r\n0\r\n\r\n" % (len(BODY), BODY)

# What is sent, and the statuses with which it may be refused.
MALFORMED = {
    "length and chunks": (post(LENGTH, CHUNKED, body=CHUNKS), {400}),
    "chunks and length": (post(CHUNKED, LENGTH, body=CHUNKS), {400}),
    "two different lengths": (post(LENGTH, b"Content-Length: 5"), {400}),
    "the same length twice": (post(LENGTH, LENGTH), {400}),
    "a list of lengths": (post(b"Content-Length: 21, 21"), {400}),
    "a length with a sign": (post(b"Content-Length: +21"), {400}),
    "a negative length": (post(b"Content-Length: -1"), {400}),
    "a length in base sixteen": (post(b"Content-Length: 0x15"), {400}),
    "a length beyond 64 bits": (post(b"Content-Length: 99999999999999999999999"), {400, 413}),
    "a length beyond the limit": (post(b"Content-Length: 999999999999"), {413}),
    "no host": (get(host=b""), {400}),
    "two hosts": (get(b"Host: elsewhere"), {400}),
    "a host that is none": (get(host=b"Host: a b\r\n"), {400}),
    "a folded field": (get(b"X-One: a\r\n b"), {400}),
    "a space before the colon": (get(b"X-One : a"), {400}),
    "a space before the name": (get(host=b" Host: localhost\r\n"), {400}),
    "no colon": (get(b"nonsense"), {400}),
    "an empty name": (get(b": a"), {400}),
    "a NUL in a value": (get(b"X-One: a\0b"), {400}),
    "a control character in a value": (get(b"X-One: a\x01b"), {400}),
    "a bare CR in a value": (get(b"X-One: a\rb"), {400}),
    "line feeds alone": (get().replace(b"\r\n", b"\n"), {400}),
    "one line feed alone": (get(b"X-One: a\nX-Two: b"), {400}),
    "an unknown transfer coding": (post(b"Transfer-Encoding: gzip"), {400, 501}),
    "a transfer coding behind chunks": (post(b"Transfer-Encoding: chunked, gzip"), {400, 501}),
    "chunks twice": (post(CHUNKED, CHUNKED, body=CHUNKS), {400, 501}),
    "a transfer coding with a tail": (post(b"Transfer-Encoding: chunkedx", body=CHUNKS), {400, 501}),
    "a chunk without a size": (post(CHUNKED, body=b"\r\nabc\r\n0\r\n\r\n"), {400}),
    "a chunk whose size is none": (post(CHUNKED, body=b"xyz\r\nabc\r\n0\r\n\r\n"), {400}),
    "a chunk of a huge size": (post(CHUNKED, body=b"ffffffffffffffff\r\nabc"), {400, 413}),
    "a chunk longer than its size": (post(CHUNKED, body=b"1\r\nabc\r\n0\r\n\r\n"), {400}),
    "no version": (b"GET /healthz\r\n\r\n", {400, 505}),
    "another version": (get(line=b"GET /healthz HTTP/2.0\r\n"), {400, 505}),
    "a version that is none": (get(line=b"GET /healthz HTTP/1.x\r\n"), {400, 505}),
    "two spaces": (get(line=b"GET  /healthz HTTP/1.1\r\n"), {400}),
    "an unknown method": (get(line=b"BREW /healthz HTTP/1.1\r\n"), {400, 405, 501}),
    "a method in small letters": (get(line=b"get /healthz HTTP/1.1\r\n"), {400, 405, 501}),
    "a target without a slash": (get(line=b"GET healthz HTTP/1.1\r\n"), {400}),
    "a NUL in the target": (get(line=b"GET /heal\0thz HTTP/1.1\r\n"), {400}),
    "an encoded NUL in the target": (get(line=b"GET /healthz%00 HTTP/1.1\r\n"), {400}),
    "half an encoded byte": (get(line=b"GET /healthz%2 HTTP/1.1\r\n"), {400}),
    "a huge target": (get(line=b"GET /" + b"a" * 1_000_000 + b" HTTP/1.1\r\n"), {400, 414, 431}),
    "a huge field": (get(b"X-One: " + b"a" * 1_000_000), {431}),
    "very many fields": (get(*[b"X-%d: a" % number for number in range(20_000)]), {431}),
    "the beginning of TLS": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\0" * 100, {400}),
    "a preface of HTTP/2": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", {400, 405, 501, 505}),
}


def exchange(daemon, request, seconds=20):
    """What comes back until the server closes. Sending may fail in the middle: the server has seen enough."""
    with connect(daemon.address, seconds) as connection:
        try:
            connection.sendall(request)
        except OSError:
            pass
        received = b""
        try:
            while part := connection.recv(65536):
                received += part
        except ConnectionResetError:
            pass
        return received


def status_of(received):
    line = STATUS_LINE.match(received)
    return line and int(line[1])


def malformed_requests_are_refused_and_the_connection_is_closed(scenario):
    with scenario.daemon(slots=1) as daemon:
        for name, (request, statuses) in MALFORMED.items():
            # What stands behind a refused request must never be read as another one.
            received = exchange(daemon, request + get())
            if status_of(received) not in statuses:
                yield f"{name}: answered {received[:200]!r}"
            if (times := len(STATUS_LINE.findall(received))) != 1:
                yield f"{name}: answered {times} times"
        if listed := daemon.client().request("GET", "/v1/evaluations").json["evaluations"]:
            yield f"something was accepted: {listed}"


def slow_heads_and_bodies_are_given_up(scenario):
    """At most so many seconds; meanwhile the daemon serves others."""
    begun = {
        "nothing at all": b"",
        "half a head": b"GET /healthz HTTP/1.1\r\nHost: local",
        "half a body": post(b"Content-Length: 1000"),
    }
    with scenario.daemon(slots=1) as daemon:
        ended = {}

        def wait(name, request):
            since = time.monotonic()
            received = exchange(daemon, request, seconds=120)
            ended[name] = time.monotonic() - since, received

        threads = [threading.Thread(target=wait, args=item, daemon=True) for item in begun.items()]
        for thread in threads:
            thread.start()
        if daemon.client().request("GET", "/healthz").status != 200:
            yield "others are not served meanwhile"
        for thread in threads:
            thread.join(90)
        for name in begun:
            seconds, received = ended.get(name, (None, b""))
            if seconds is None:
                yield f"{name}: the connection is still open after 90 s"
            elif received and status_of(received) != 408:
                yield f"{name}: answered {received[:100]!r}"


def a_byte_at_a_time_is_read_like_any_other(scenario):
    with scenario.daemon(slots=1) as daemon:
        with connect(daemon.address, 20) as connection:
            for byte in get(b"Connection: close"):
                connection.sendall(bytes([byte]))
            received = b""
            while part := connection.recv(65536):
                received += part
        if status_of(received) != 200:
            yield f"answered {received[:200]!r}"


def pipelined_requests_are_answered_in_their_order(scenario):
    with scenario.daemon(slots=1) as daemon:
        received = exchange(daemon, get() + post(LENGTH) + get(line=b"GET /nowhere HTTP/1.1\r\n") + get(b"Connection: close"))
        statuses = [int(status) for status in STATUS_LINE.findall(received)]
        if statuses != [200, 202, 404, 200]:
            yield f"the answers are {statuses}"


main(
    malformed_requests_are_refused_and_the_connection_is_closed,
    slow_heads_and_bodies_are_given_up,
    a_byte_at_a_time_is_read_like_any_other,
    pipelined_requests_are_answered_in_their_order,
)
