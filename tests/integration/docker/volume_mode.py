#!/usr/bin/python3
"""An engine that sees nothing of this host: it is spoken to through a socket or TLS, and plan, keeper and evidence go through its
archives. What `bind` would need is not there, and that is said."""

import contextlib
import socket
import subprocess
import tempfile
from pathlib import Path

from scenario import check_counted, check_divided, check_once, counter, divide_all, left_by_daemon, main, parallel, wait_until

# Where the daemons' state is: over that the engine has a file system of its own.
STATE_PARENT = "/var/tmp"
HIDDEN = f"-t tmpfs tmpfs {STATE_PARENT}"
TLS_NAMES = ("ca", "server", "client")


@contextlib.contextmanager
def hidden_daemon(scenario, **settings):
    with tempfile.TemporaryDirectory(dir=STATE_PARENT, prefix="assay-test-") as directory:
        with scenario.daemon(directory=directory, **settings) as daemon:
            yield daemon


def what_is_true_here_is_true_there(scenario):
    with hidden_daemon(scenario, slots=4, evidence="volume") as daemon:
        yield from check_divided(divide_all(daemon, 8))
        yield from each_verdict(daemon)
        yield from left_by_daemon(daemon)


def each_verdict(daemon):
    client = daemon.client()
    cases = [
        ({"runtime": "python", "code": "import sys\nfor n in range(1000):\n  sys.stdout.write(f'o{n}\\n'); sys.stdout.flush(); sys.stderr.write(f'e{n}\\n')"}, "completed", None),
        ({"runtime": "sh", "code": "kill -SEGV $$"}, "failed", None),
        ({"runtime": "sh", "code": "sleep 100", "limits": {"wall_time_ms": 1000}}, "timed_out", "wall_time_ms"),
        ({"runtime": "python", "code": "x = 'x' * 10**9", "limits": {"memory_bytes": 64 << 20}}, "out_of_memory", "memory_bytes"),
        ({"command": ["yes"], "on_output_limit": "kill", "limits": {"output_bytes": 1000}}, "output_exceeded", "output_bytes"),
        ({"command": ["there-is-none"]}, "not_started", None),
        ({"command": ["cat"], "stdin": "x" * 3_000_000, "limits": {"output_bytes": 4_000_000}}, "completed", None),
    ]
    for evaluation, (submission, kind, limit) in zip(parallel(4, lambda case: daemon.client().submit(case[0], wait=60).json, cases), cases):
        hit = evaluation["verdict"] and evaluation["verdict"]["limit"] and evaluation["verdict"]["limit"]["name"]
        if (evaluation["status"], hit) != (kind, limit):
            yield f"expected {kind}: {evaluation['verdict']}"
        yield from check_once(evaluation)
    ordered = client.submit(cases[0][0], wait=60).json
    expected = "".join(f"o{number}\ne{number}\n" for number in range(1000)).encode()
    if client.raw(ordered["id"], "output") != expected:
        yield "the order of both streams is lost"
    cancelled = client.submit(counter(100_000, 0.01)).json["id"]
    wait_until("it runs", lambda: client.get(cancelled)["status"] == "running")
    client.cancel(cancelled)
    evaluation = client.finished(cancelled, 20)
    if evaluation["status"] != "cancelled":
        yield f"expected cancelled: {evaluation['verdict']}"
    yield from check_counted(evaluation)


def bind_where_the_engine_does_not_see_this_host_is_no_fault_of_a_program(scenario):
    with hidden_daemon(scenario, slots=1, evidence="bind") as daemon:
        client = daemon.client()
        # It is tried until the time for a start is over: STARTING_MS_MAX of core/lifecycle.h.
        evaluation = client.finished(client.submit({"runtime": "sh", "code": "echo never"}).json["id"], 90)
        verdict = evaluation["verdict"]
        if verdict["fault"] != "platform" or not verdict["reason"]:
            yield f"{evaluation['status']}: {verdict}"
        yield from left_by_daemon(daemon)


def make_certificates(directory):
    """A CA, and of it a server's certificate and a client's, as directory/{ca,server,client}/{ca,cert,key}.pem."""
    def openssl(*words):
        subprocess.run(["openssl", *map(str, words)], check=True, capture_output=True)

    for name in TLS_NAMES:
        (directory / name).mkdir()
    key, cert = directory / "ca/key.pem", directory / "ca/ca.pem"
    openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", 1, "-subj", "/CN=test CA", "-keyout", key, "-out", cert)
    for name in TLS_NAMES[1:]:
        own = directory / name
        (own / "extensions").write_text("subjectAltName=IP:127.0.0.1\nextendedKeyUsage=serverAuth,clientAuth\n")
        openssl("req", "-newkey", "rsa:2048", "-nodes", "-subj", f"/CN={name}", "-keyout", own / "key.pem", "-out", own / "request")
        openssl("x509", "-req", "-days", 1, "-in", own / "request", "-CA", cert, "-CAkey", key, "-CAcreateserial",
                "-extfile", own / "extensions", "-out", own / "cert.pem")
        (own / "ca.pem").write_bytes(cert.read_bytes())


def over_tls(scenario):
    with tempfile.TemporaryDirectory(prefix="assay-tls-") as directory:
        certificates = Path(directory)
        make_certificates(certificates)
        server, client = certificates / "server", certificates / "client"
        port = free_port()
        options = ["--host", f"tcp://127.0.0.1:{port}", "--tlsverify", "--tlscacert", server / "ca.pem", "--tlscert", server / "cert.pem", "--tlskey", server / "key.pem"]
        with scenario.own_engine(options=map(str, options)):
            settings = {"slots": 4, "host": f"tcp://127.0.0.1:{port}", "evidence": "auto"}
            with scenario.daemon(options=["--docker-tls-dir", str(client)], **settings) as daemon:
                yield from check_divided(divide_all(daemon, 8))
                yield from left_by_daemon(daemon)
            (client / "ca.pem").write_bytes((client / "cert.pem").read_bytes())
            with scenario.daemon(options=["--docker-tls-dir", str(client)], **settings) as daemon:
                evaluation = daemon.client().submit({"runtime": "sh", "code": "true"}, wait=3).json
                if evaluation["verdict"]:
                    yield f"an engine that nobody vouches for was trusted: {evaluation}"
                daemon.client().cancel(evaluation["id"])


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


main(
    what_is_true_here_is_true_there, bind_where_the_engine_does_not_see_this_host_is_no_fault_of_a_program, over_tls,
    mounts=[HIDDEN],
)
