#!/usr/bin/python3
"""TLS on TCP: whole answers, streams as they come, and nobody who is slow, silent or speaks something else keeps others waiting."""

import http.client
import json
import shutil
import socket
import ssl
import subprocess
import tempfile
import time
import warnings
from pathlib import Path

from scenario import main

from harness.daemon import Failure

LOUD_BYTES = 5_000_000
LOUD = {"command": ["sh", "-c", f"yes 0123456789abcde | head -c {LOUD_BYTES}"], "limits": {"output_bytes": 6_000_000}}
LINES = 30
PATIENCE_SECONDS = 60


class Guarded:
    """A daemon with a certificate of its own, and a token for everything."""

    def __init__(self, scenario, *options):
        self.directory = Path(tempfile.mkdtemp(prefix="assay-tls-"))
        self.certificate, self.key = self.directory / "cert.pem", self.directory / "key.pem"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
                        "-subj", "/CN=assay", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", self.key, "-out", self.certificate],
                       check=True, capture_output=True)
        tls = ["--tls-cert", str(self.certificate), "--tls-key", str(self.key), "--auth", "required", "--listen", "127.0.0.1:0"]
        self.daemon = scenario.daemon(options=[*tls, *options])

    def __enter__(self):
        self.daemon.__enter__()
        self.port = int(next(each for each in self.daemon.addresses if not each.startswith("unix:")).rpartition(":")[2])
        made = self.daemon.client().request("POST", "/v1/tokens", {"name": "owner", "scopes": ["admin"]})
        self.headers = {"Authorization": f"Bearer {made.json['token']}", "Content-Type": "application/json"}
        return self

    def __exit__(self, *why):
        self.daemon.__exit__(*why)
        shutil.rmtree(self.directory, ignore_errors=True)

    def context(self):
        return ssl.create_default_context(cafile=self.certificate)

    def raw(self):
        return socket.create_connection(("127.0.0.1", self.port), PATIENCE_SECONDS)

    def connection(self):
        return http.client.HTTPSConnection("127.0.0.1", self.port, context=self.context(), timeout=PATIENCE_SECONDS)

    def ask(self, connection, method, path, body=None, **headers):
        connection.request(method, path, None if body is None else json.dumps(body), self.headers | headers)
        answer = connection.getresponse()
        return answer.status, answer.read()


def a_client_is_answered_whole_on_one_connection(scenario):
    with Guarded(scenario) as guarded:
        connection = guarded.connection()
        status, body = guarded.ask(connection, "POST", "/v1/evaluations?wait=60", LOUD)
        evaluation = json.loads(body)
        if status != 200 or evaluation["stdout"]["bytes"] != LOUD_BYTES:
            yield f"{status} {body[:300]}"
            return
        for _ in range(3):
            status, output = guarded.ask(connection, "GET", f"/v1/evaluations/{evaluation['id']}/stdout")
            if status != 200 or output != (b"0123456789abcde\n" * (LOUD_BYTES // 16 + 1))[:LOUD_BYTES]:
                yield f"{status}, and {len(output)} bytes that are not the program's"
        big = {"command": ["wc", "-c"], "stdin": "x" * 3_000_000}
        status, body = guarded.ask(connection, "POST", "/v1/evaluations?wait=60", big)
        if json.loads(body)["stdout"]["text"].strip() != "3000000":
            yield f"a large body did not arrive: {body[:300]}"
        if guarded.ask(connection, "GET", "/v1/evaluations", Authorization="Bearer wrong")[0] != 401:
            yield "a wrong token lets in"
        # One that is asked to be the last ends with the word that nothing more comes: read() would raise at a bare end.
        with guarded.context().wrap_socket(guarded.raw(), server_hostname="127.0.0.1", suppress_ragged_eofs=False) as plain:
            plain.sendall(b"GET /healthz HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
            if not b"".join(iter(lambda: plain.recv(4096), b"")).endswith(b"ok\n"):
                yield "the last answer is not whole"


def a_stream_comes_as_it_is_printed(scenario):
    with Guarded(scenario) as guarded:
        program = f"for i in $(seq {LINES}); do echo line $i; sleep 0.05; done"
        _, body = guarded.ask(guarded.connection(), "POST", "/v1/evaluations", {"runtime": "sh", "code": program})
        evaluation = json.loads(body)["id"]
        connection = guarded.connection()
        connection.request("GET", f"/v1/evaluations/{evaluation}/events", headers=guarded.headers)
        answer = connection.getresponse()
        events, text, status_at_first = [], "", None
        for line in answer:
            if line.startswith(b"event: "):
                events.append(line[7:].strip().decode())
            if line.startswith(b"data: ") and events[-1] == "output":
                text += json.loads(line[6:])["text"]
                status_at_first = status_at_first or guarded.daemon.client().get(evaluation)["status"]
        if text != "".join(f"line {i + 1}\n" for i in range(LINES)):
            yield f"it is not what was printed: {text!r}"
        if events[-1] != "end" or status_at_first != "running" or events.count("output") < 3:
            yield f"it did not come as it was printed: {events}, {status_at_first}"


def who_never_shakes_hands_is_dropped_and_disturbs_nobody(scenario):
    with Guarded(scenario) as guarded:
        silent, half, slow = guarded.raw(), guarded.raw(), guarded.raw()
        half.sendall(bytes.fromhex("1603010200010001fc0303") + b"x" * 20)  # the beginning of a ClientHello
        waiting = {"silent": silent, "half": half}
        hello = bytes.fromhex("1603010200010001fc0303")
        end, connection, asked = time.monotonic() + PATIENCE_SECONDS, guarded.connection(), 0
        dropped = False
        slow.settimeout(0.05)
        # A byte now and then is no progress that would count.
        while not dropped and time.monotonic() < end:
            if guarded.ask(connection, "GET", "/v1/evaluations")[0] != 200:
                yield "others are not answered meanwhile"
            asked += 1
            try:
                slow.sendall(hello[asked % len(hello):][:1] if asked >= len(hello) else hello[asked - 1 : asked])
                dropped = slow.recv(1) == b""
            except TimeoutError:
                pass
            except OSError:
                dropped = True
        if not dropped:
            yield "the slow one is never dropped"
        for name, each in waiting.items():
            try:
                if each.recv(1) not in (b"", b"\x15"):
                    yield f"the {name} one is told something"
            except OSError as failed:
                if isinstance(failed, TimeoutError):
                    yield f"the {name} one is never dropped"


def who_speaks_something_else_is_dropped(scenario):
    with Guarded(scenario) as guarded:
        for said in (b"GET / HTTP/1.1\r\nHost: h\r\n\r\n", b"\0" * 100, bytes(range(256)) * 300):
            with guarded.raw() as wrong:
                answer = b""
                try:
                    wrong.sendall(said)
                    answer = b"".join(iter(lambda: wrong.recv(4096), b""))
                except ConnectionError:
                    pass
                if b"HTTP/1.1 200" in answer:
                    yield f"{said[:20]!r} is answered {answer[:100]!r}"
        old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        old.check_hostname, old.verify_mode = False, ssl.CERT_NONE
        with warnings.catch_warnings(action="ignore"):
            old.minimum_version = old.maximum_version = ssl.TLSVersion.TLSv1_1
        old.set_ciphers("ALL:@SECLEVEL=0")
        try:
            with old.wrap_socket(guarded.raw()):
                yield "TLS 1.1 is spoken"
        except (ssl.SSLError, ConnectionError):
            pass
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            context = guarded.context()
            context.minimum_version = context.maximum_version = version
            context.set_alpn_protocols(["h2", "http/1.1"])
            with context.wrap_socket(guarded.raw(), server_hostname="127.0.0.1") as good:
                if good.selected_alpn_protocol() != "http/1.1":
                    yield f"{version.name}: {good.selected_alpn_protocol()}"
        if guarded.ask(guarded.connection(), "GET", "/healthz")[0] != 200:
            yield "it answers nobody any more"


def who_leaves_in_the_middle_is_forgotten(scenario):
    with Guarded(scenario) as guarded:
        status, body = guarded.ask(guarded.connection(), "POST", "/v1/evaluations?wait=60", LOUD)
        evaluation = json.loads(body)["id"]
        descriptors = Path(f"/proc/{guarded.daemon.pid}/fd")
        before = len(list(descriptors.iterdir()))
        for _ in range(10):
            leaving = guarded.context().wrap_socket(guarded.raw(), server_hostname="127.0.0.1")
            head = f"GET /v1/evaluations/{evaluation}/stdout HTTP/1.1\r\nHost: h\r\nAuthorization: {guarded.headers['Authorization']}\r\n\r\n"
            leaving.sendall(head.encode())
            leaving.recv(1000)
            leaving.close()
        end = time.monotonic() + PATIENCE_SECONDS
        while (now := len(list(descriptors.iterdir()))) > before and time.monotonic() < end:
            time.sleep(0.05)
        if now > before:
            yield f"of {before} descriptors there are {now} now"


def what_is_no_certificate_is_told_at_the_start(scenario):
    for wrong in ("/dev/null", "/nowhere.pem"):
        try:
            with scenario.daemon(options=["--listen", "127.0.0.1:0", "--tls-cert", wrong, "--tls-key", wrong]):
                yield f"{wrong} is taken"
        except Failure as refused:
            if wrong not in str(refused):
                yield f"{wrong}: {refused}"


main(
    a_client_is_answered_whole_on_one_connection,
    a_stream_comes_as_it_is_printed,
    who_never_shakes_hands_is_dropped_and_disturbs_nobody,
    who_speaks_something_else_is_dropped,
    who_leaves_in_the_middle_is_forgotten,
    what_is_no_certificate_is_told_at_the_start,
)
