#!/usr/bin/python3
"""The socket proxy of deploy/docker/ lets pass what assayd asks of an engine, and nothing else: in front of a stub that says
what reached it, and of a real engine that assayd works with through it."""

import contextlib
import os
import re
import shutil
import socket
import subprocess
import tempfile
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from scenario import PATIENCE_SECONDS, check_divided, check_once, divide_all, left_by_daemon, main, output_of, wait_until, wait_until_running
from harness import tap, traces
from harness.client import Client, connect

DEPLOY = Path(__file__).resolve().parents[3] / "deploy"
CONFIGURATION = DEPLOY / "docker/haproxy.cfg"
HAPROXY = shutil.which("haproxy", path=f"{os.environ['PATH']}:/usr/sbin:/sbin")
START_SECONDS = 20

V = "/v1.41"
NAME = "assay-20261122_195800_0123abcd-1"
OURS = "%22label%22%3A%5B%22assay.instance%3D0123abcd%22%5D"

# The functions of src/backend/docker/engine.h, and what they send.
CALLS = {
    "engine_create": (("GET", "/version"), ("GET", f"{V}/info"), ("GET", "/v1.44/info")),
    "engine_create_container": (("POST", f"{V}/containers/create?name={NAME}"), ("POST", f"{V}/containers/create?name={NAME}-reader")),
    "engine_start_container": (("POST", f"{V}/containers/{NAME}/start"),),
    "engine_inspect_container": (("GET", f"{V}/containers/{NAME}/json"),),
    "engine_kill_container": (("POST", f"{V}/containers/{NAME}/kill?signal=9"),),
    "engine_unpause_container": (("POST", f"{V}/containers/{NAME}/unpause"),),
    "engine_remove_container": (("DELETE", f"{V}/containers/{NAME}?v=1"), ("DELETE", f"{V}/containers/{NAME}?v=1&force=1")),
    "engine_list_containers": (("GET", f"{V}/containers/json?all=1&limit=1000&filters=%7B{OURS}%7D"),),
    "engine_list_images": (("GET", f"{V}/images/json"),),
    "engine_inspect_image": (
        ("GET", f"{V}/images/local%2Fpython%3A3.11/json"),
        ("GET", f"{V}/images/registry.example%3A5000%2Fteam%2Ftool%40sha256%3A0123/json"),
    ),
    "engine_pull_image": (
        ("POST", f"{V}/images/create?fromImage=docker.io%2Flibrary%2Fpython&tag=3.11-slim"),
        ("POST", f"{V}/images/create?fromImage=python&tag=sha256%3A0123"),
    ),
    "engine_put_archive": (("PUT", f"{V}/containers/{NAME}/archive?path=%2Fassay"),),
    "engine_get_archive": (("GET", f"{V}/containers/{NAME}-reader/archive?path=%2Fassay%2Fattempt"),),
    "engine_inspect_volume": (("GET", f"{V}/volumes/{NAME}"),),
    "engine_remove_volume": (("DELETE", f"{V}/volumes/{NAME}"),),
    "engine_watch_events": (
        ("GET", f"{V}/events?since=&filters=%7B{OURS}%2C%22type%22%3A%5B%22container%22%5D%7D"),
        ("GET", f"{V}/events?since=1790000000.000000001&filters=%7B{OURS}%2C%22type%22%3A%5B%22container%22%5D%7D"),
    ),
}
ALLOWED = tuple(call for calls in CALLS.values() for call in calls)

REFUSED = (
    # Into a container, or out of it.
    ("POST", f"{V}/containers/{NAME}/exec"),
    ("POST", f"{V}/exec/0123/start"),
    ("GET", f"{V}/exec/0123/json"),
    ("POST", f"{V}/containers/{NAME}/attach?stream=1"),
    ("GET", f"{V}/containers/{NAME}/attach/ws"),
    ("GET", f"{V}/containers/{NAME}/logs?stdout=1"),
    ("GET", f"{V}/containers/{NAME}/export"),
    ("GET", f"{V}/containers/{NAME}/archive?path=%2Fetc%2Fshadow"),
    ("PUT", f"{V}/containers/{NAME}/archive?path=%2F"),
    ("GET", f"{V}/containers/{NAME}/archive?path=%2Fassay%2F..%2Fetc"),
    ("GET", f"{V}/containers/{NAME}/archive?path=%2Fassay%2F%2E%2E%2Fetc"),
    ("POST", f"{V}/containers/{NAME}/update"),
    ("POST", f"{V}/containers/{NAME}/rename?name=other"),
    ("POST", f"{V}/commit?container={NAME}"),
    # Other people's containers, in whatever way they are named.
    ("GET", f"{V}/containers/json"),
    ("GET", f"{V}/containers/json?all=1&limit=1000"),
    ("GET", f"{V}/containers/json?all=1&limit=1000&filters=%7B%22label%22%3A%5B%22other%22%5D%7D"),
    ("GET", f"{V}/containers/json?all=1&limit=1000&filters=%7B%7D&filters=%7B{OURS}%7D"),
    ("GET", f"{V}/containers/database/json"),
    ("GET", f"{V}/containers/0123456789ab/json"),
    ("GET", f"{V}/containers/%61ssay-20261122_195800_0123abcd-1/json"),
    ("GET", f"{V}/containers/{NAME}%2F..%2Fdatabase/json"),
    ("POST", f"{V}/containers/database/start"),
    ("POST", f"{V}/containers/database/kill?signal=9"),
    ("DELETE", f"{V}/containers/database?v=1&force=1"),
    ("POST", f"{V}/containers/create"),
    ("POST", f"{V}/containers/create?name=database"),
    ("POST", f"{V}/containers/create?name={NAME}&platform=x"),
    ("POST", f"{V}/containers/create?name={NAME}-writer"),
    ("POST", f"{V}/containers/prune"),
    ("GET", f"{V}/events"),
    ("GET", f"{V}/events?since=0&filters=%7B%7D"),
    # Images that are made, brought, sent or removed.
    ("POST", f"{V}/build?t=own&networkmode=host"),
    ("POST", f"{V}/build"),
    ("POST", f"{V}/images/create?fromSrc=-&repo=local/python&tag=3.11"),
    ("POST", f"{V}/images/create?fromImage=python&tag=3&fromSrc=-"),
    ("POST", f"{V}/images/load"),
    ("POST", f"{V}/images/python/push"),
    ("POST", f"{V}/images/python/tag?repo=local/python"),
    ("DELETE", f"{V}/images/python"),
    ("GET", f"{V}/images/json?all=1"),
    ("GET", f"{V}/images/python/get"),
    ("GET", f"{V}/images/..%2Fcontainers%2Fdatabase/json"),
    ("GET", f"{V}/images/../containers/database/json"),
    ("GET", f"{V}/images/%252e%252e/json"),
    # Everything else that there is.
    ("GET", f"{V}/volumes"),
    ("POST", f"{V}/volumes/create"),
    ("GET", f"{V}/volumes/data"),
    ("DELETE", f"{V}/volumes/{NAME}-reader"),
    ("DELETE", f"{V}/volumes/data"),
    ("GET", f"{V}/networks"),
    ("POST", f"{V}/networks/create"),
    ("GET", f"{V}/secrets"),
    ("GET", f"{V}/swarm"),
    ("POST", f"{V}/swarm/init"),
    ("POST", f"{V}/services/create"),
    ("GET", f"{V}/plugins"),
    ("POST", f"{V}/plugins/pull"),
    ("POST", f"{V}/auth"),
    ("POST", "/session"),
    ("POST", "/grpc"),
    ("GET", "/metrics"),
    # The allowed in other forms.
    ("POST", "/version"),
    ("DELETE", f"{V}/info"),
    ("GET", "/info"),
    ("GET", "/version?x=1"),
    ("GET", "//version"),
    ("GET", "/./version"),
    ("GET", "/v2.0/info"),
    ("GET", f"/x{V}/info"),
    ("GET", f"{V}/info/"),
    ("GET", f"{V}/containers/{NAME}/json?size=1"),
    ("PATCH", f"{V}/containers/{NAME}"),
)


class Haproxy:
    def __init__(self, upstream, directory):
        self.upstream, self.socket, self.log_path = upstream, Path(directory, "proxied.sock"), Path(directory, "haproxy.log")

    def __enter__(self):
        with open(self.log_path, "wb") as log:
            self.process = subprocess.Popen(
                [HAPROXY, "-db", "-f", CONFIGURATION], stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd="/",
                env={"PROXY_SOCKET": str(self.socket), "DOCKER_SOCKET": str(self.upstream)},
            )
        try:
            wait_until("the proxy listens", lambda: self.process.poll() is not None or self._listens(), START_SECONDS)
            if self.process.poll() is not None:
                raise AssertionError(f"the proxy ended: {self.log()}")
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        self.process.kill()
        self.process.wait()

    def _listens(self):
        with contextlib.suppress(OSError):
            connect(f"unix:{self.socket}", 5).close()
            return True

    @property
    def host(self):
        return f"unix://{self.socket}"

    def client(self):
        return Client(f"unix:{self.socket}", 20)

    def log(self):
        return self.log_path.read_text(errors="replace")

    def refused(self):
        """What it turned away, as it logged it."""
        return [line.split('"')[1] for line in self.log().splitlines() if " 403 " in line]


class Stub(ThreadingHTTPServer):
    """In an engine's place: notes what reaches it."""

    address_family = socket.AF_UNIX
    block_on_close = False

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_one(self):
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self.server.seen.append((self.command, self.path, body, dict(self.headers)))
            self.send_response(200)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = handle_one

        def address_string(self):
            return "proxy"

        def log_message(self, *_):
            pass

    def __init__(self, directory):
        self.path, self.seen = Path(directory, "stub.sock"), []
        super().__init__(str(self.path), self.Handler)

    def server_bind(self):
        socket.socket.bind(self.socket, self.server_address)

    def handle_error(self, *_):
        pass  # whoever does not read an answer

    def __enter__(self):
        threading.Thread(target=self.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.shutdown()
        self.server_close()
        self.path.unlink(missing_ok=True)


@contextlib.contextmanager
def proxied_stub():
    with tempfile.TemporaryDirectory(prefix="assay-proxy-") as directory, Stub(directory) as stub, Haproxy(stub.path, directory) as proxy:
        yield stub, proxy


def there_is_no_call_that_it_does_not_know(_):
    """Whoever adds one to engine.h is led here, and to the table of the proxy."""
    declared = set(re.findall(r"^struct engine_call \*(engine_\w+)", (DEPLOY.parent / "src/backend/docker/engine.h").read_text(), re.MULTILINE))
    if declared != (known := CALLS.keys() - {"engine_create"}):
        yield f"new in engine.h: {declared - known}; no longer there: {known - declared}"


def what_assayd_asks_passes_as_it_is(_):
    with proxied_stub() as (stub, proxy):
        client = proxy.client()
        for method, path in ALLOWED:
            body = b"x" * 100_000 if method in ("POST", "PUT") else None
            answer = client.request(method, path, body)
            if answer.status != 200 or not stub.seen or stub.seen[-1][:3] != (method, path, body or b""):
                yield f"{method} {path}: {answer}"
        if len(stub.seen) != len(ALLOWED):
            yield f"{len(stub.seen)} requests for {len(ALLOWED)} arrived"
        if proxy.refused():
            yield f"refused: {proxy.refused()}"


def everything_else_is_refused_and_logged(_):
    with proxied_stub() as (stub, proxy):
        for method, path in REFUSED:
            client = proxy.client()
            answer = client.request(method, path)
            client.close()
            if answer.status != 403 or answer.json["message"] != "the socket proxy does not allow this call":
                yield f"{method} {path}: {answer}"
        if stub.seen:
            yield f"these came through: {stub.seen}"

        def not_logged():
            logged = proxy.refused()
            return [f"not logged: {method} {path}" for method, path in REFUSED if f"{method} {path} HTTP/1.1" not in logged]

        # It logs what it has answered.
        yield from traces.eventually(not_logged)


def no_other_protocol_gets_through(_):
    requests = (
        f"POST {V}/containers/{NAME}/start HTTP/1.1\r\nHost: docker\r\nConnection: Upgrade\r\nUpgrade: tcp\r\nContent-Length: 0\r\n\r\n",
        "GET /version HTTP/1.1\r\nHost: docker\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AA\r\n\r\n",
        "GET /version HTTP/1.1\r\nHost: docker\r\nContent-Length: 0\r\nTransfer-Encoding: chunked\r\nX: " + "a" * 20000 + "\r\n\r\n",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        "CONNECT docker:80 HTTP/1.1\r\nHost: docker:80\r\n\r\n",
        f"GET /version#{V}/networks HTTP/1.1\r\nHost: docker\r\n\r\n",
        # A second request in the first one's body must stay a body.
        f"POST {V}/containers/{NAME}/unpause HTTP/1.1\r\nHost: docker\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET {V}/networks HTTP/1.1\r\nHost: docker\r\n\r\n",
    )
    with proxied_stub() as (stub, proxy):
        for request in requests:
            answered = b""
            # A connection that is cut off is a refusal too.
            with connect(f"unix:{proxy.socket}", 10) as connection, contextlib.suppress(ConnectionError):
                connection.sendall(request.encode())
                connection.shutdown(socket.SHUT_WR)
                while part := connection.recv(65536):
                    answered += part
            if b" 101 " in answered[:40]:
                yield f"{request[:60]!r}: {answered[:200]!r}"
        strange = [seen[:2] for seen in stub.seen if seen[:2] not in ALLOWED or "Upgrade" in seen[3]]
        if strange:
            yield f"these came through: {strange}"


def an_engine_that_is_away_is_one_to_assayd(_):
    with tempfile.TemporaryDirectory(prefix="assay-proxy-") as directory:
        with Haproxy(Path(directory, "stub.sock"), directory) as proxy:
            for _ in range(2):
                begun = time.monotonic()
                try:
                    yield f"an engine that is not there answered {proxy.client().request('GET', '/version')}"
                except (ConnectionError, OSError):
                    pass  # the connection ends: nothing that could be taken for an answer
                if time.monotonic() - begun > 3:
                    yield f"that took {time.monotonic() - begun:.1f} s"
            with Stub(directory):
                answer = proxy.client().request("GET", "/version")
                if answer.status != 200:
                    yield f"when it is back: {answer}"


@contextlib.contextmanager
def proxied_daemon(scenario, **settings):
    with tempfile.TemporaryDirectory(prefix="assay-proxy-") as directory, Haproxy(scenario.engine.socket, directory) as proxy:
        with scenario.daemon(host=proxy.host, **settings) as daemon:
            yield proxy, daemon


def assayd_works_through_it(scenario, evidence):
    with proxied_daemon(scenario, evidence=evidence, slots=2) as (proxy, daemon):
        yield from check_divided(divide_all(daemon, 6))
        client = daemon.client()
        timed_out = client.submit({"runtime": "sh", "code": "echo here; sleep 60", "limits": {"wall_time_ms": 1000}}, wait=PATIENCE_SECONDS).json
        if (timed_out["status"], output_of(timed_out)) != ("timed_out", "here\n"):
            yield f"{timed_out}; refused: {proxy.refused()}"
        sleeper = client.submit({"runtime": "sh", "code": "sleep 60"}).json["id"]
        wait_until_running(client, [sleeper])
        daemon.kill()
        daemon.start()
        client = daemon.client()
        client.cancel(sleeper)
        cancelled = client.finished(sleeper, PATIENCE_SECONDS)
        if cancelled["status"] != "cancelled":
            yield f"{cancelled}"
        yield from check_once(cancelled)
        yield from left_by_daemon(daemon)
        if proxy.refused():
            yield f"refused: {proxy.refused()}"


def an_image_that_is_missing_is_asked_for_through_it(scenario):
    options = ["--docker-images", "**", "--docker-pull", "missing"]
    with proxied_daemon(scenario, slots=1, options=options) as (proxy, daemon):
        ended = daemon.client().submit({"command": ["true"], "image": "127.0.0.1:1/team/there-is.none:v1"}, wait=PATIENCE_SECONDS).json
        if ended["status"] != "not_started" or "there-is.none" not in ended["verdict"]["reason"]:
            yield f"{ended}"
        if proxy.refused():
            yield f"refused: {proxy.refused()}"


def what_is_deployed_fits_together(scenario):
    """The image of assayd.yaml stands for that of the test; what it says of listening and of the socket is overruled."""
    proxy_socket = re.search(r"PROXY_SOCKET=(\S+)", (DEPLOY / "docker/Dockerfile").read_text())[1]
    if f"docker_host: unix://{proxy_socket}\n" not in (DEPLOY / "docker/assayd.yaml").read_text():
        yield f"assayd.yaml does not name the proxy's socket, {proxy_socket}"
    compose = (DEPLOY / "compose.yaml").read_text()
    engine_socket = re.search(r"DOCKER_SOCKET=(\S+)", (DEPLOY / "docker/Dockerfile").read_text())[1]
    for wanted, times in (f"- docker-proxy:{Path(proxy_socket).parent}\n", 2), (f"-/var/run/docker.sock}}:{engine_socket}\n", 1):
        if compose.count(wanted) != times:
            yield f"compose.yaml has {compose.count(wanted)} times {wanted!r}"
    if composer := shutil.which("docker-compose"):
        checked = subprocess.run([composer, "-f", DEPLOY / "compose.yaml", "config", "--quiet"], capture_output=True, text=True)
        if checked.returncode:
            yield f"docker-compose: {checked.stderr}"
    with proxied_daemon(scenario, evidence="auto", options=["--config", str(DEPLOY / "docker/assayd.yaml")]) as (proxy, daemon):
        yield from check_divided(divide_all(daemon, 1))
        if proxy.refused():
            yield f"refused: {proxy.refused()}"


if not HAPROXY:
    tap.skip_all("needs haproxy")
main(
    there_is_no_call_that_it_does_not_know,
    what_assayd_asks_passes_as_it_is,
    everything_else_is_refused_and_logged,
    no_other_protocol_gets_through,
    an_engine_that_is_away_is_one_to_assayd,
    (assayd_works_through_it, "bind"),
    (assayd_works_through_it, "volume"),
    an_image_that_is_missing_is_asked_for_through_it,
    what_is_deployed_fits_together,
)
