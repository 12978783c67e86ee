#!/usr/bin/python3
"""Who may do what: tokens and scopes over TCP, the socket's mode, addresses that need tokens, and pages of other sites."""

import json
import os
import stat
import subprocess
import tempfile
import threading
from pathlib import Path

from scenario import main

from harness import client as http
from harness.daemon import Failure

QUICK = {"runtime": "sh", "code": "echo out"}


class Caller:
    """Asks over TCP, with a token or without one."""

    def __init__(self, address, token=None):
        self.client, self.token = http.Client(address), token

    def ask(self, method, path, body=None, **headers):
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        return self.client.request(method, path, body, headers)


def guarded(scenario, *options, **settings):
    return scenario.daemon(options=["--auth", "required", "--listen", "127.0.0.1:0", *options], **settings)


def tcp(daemon):
    return next(address for address in daemon.addresses if not address.startswith("unix:"))


def made(daemon, name, *scopes):
    answer = daemon.client().request("POST", "/v1/tokens", {"name": name, "scopes": list(scopes)})
    if answer.status != 201:
        raise AssertionError(f"no token: {answer}")
    return answer.json["token"]


def expected(status, answer):
    if answer.status != status:
        yield f"not {status}: {answer}"


def a_scope_is_what_a_token_may_do(scenario):
    with guarded(scenario) as daemon:
        callers = {name: Caller(tcp(daemon), made(daemon, name, name)) for name in ("submit", "read", "admin")}
        callers["nobody"] = Caller(tcp(daemon))
        callers["guess"] = Caller(tcp(daemon), "assay_" + "0" * 64)
        for name, submits, reads, rules in (("submit", 200, 403, 403), ("read", 403, 200, 403), ("admin", 200, 200, 200),
                                            ("nobody", 401, 401, 401), ("guess", 401, 401, 401)):
            caller = callers[name]
            yield from expected(200, caller.ask("GET", "/healthz"))
            yield from expected(submits, caller.ask("POST", "/v1/evaluations?wait=30", QUICK))
            yield from expected(reads, caller.ask("GET", "/v1/evaluations"))
            yield from expected(reads, caller.ask("GET", "/metrics"))
            yield from expected(rules, caller.ask("GET", "/v1/tokens"))
        tokens = {each["token"] for each in daemon.client().request("GET", "/v1/evaluations").json["evaluations"]}
        if tokens != {"submit", "admin"}:
            yield f"not the tokens that were submitted with: {tokens}"


def a_token_outlives_a_crash_and_not_its_revocation(scenario):
    with guarded(scenario) as daemon:
        token = made(daemon, "ci", "read")
        daemon.kill()
        daemon.start()
        reader = Caller(tcp(daemon), token)
        yield from expected(200, reader.ask("GET", "/v1/evaluations"))
        yield from expected(200, daemon.client().request("POST", "/v1/tokens/ci/revoke"))
        yield from expected(401, reader.ask("GET", "/v1/evaluations"))
        daemon.kill()
        daemon.start()
        yield from expected(401, Caller(tcp(daemon), token).ask("GET", "/v1/evaluations"))


def a_secret_is_kept_nowhere(scenario):
    with guarded(scenario, "--log-level", "debug") as daemon:
        secret = made(daemon, "ci", "submit", "read").encode()
        caller = Caller(tcp(daemon), secret.decode())
        yield from expected(200, caller.ask("POST", "/v1/evaluations?wait=30", QUICK))
        daemon.stop()
        for path in Path(daemon.directory).rglob("*"):
            if path.is_file() and secret in path.read_bytes():
                yield f"it is in {path}"


def a_token_has_no_more_than_its_limits(scenario):
    with guarded(scenario, slots=1) as daemon:
        limits = {"open_evaluations": 2, "wall_time_ms": 60000}
        answer = daemon.client().request("POST", "/v1/tokens", {"name": "ci", "scopes": ["submit"], "limits": limits})
        if answer.status != 201 or answer.json["limits"] != limits:
            yield f"it was not made so: {answer}"
            return
        caller = Caller(tcp(daemon), answer.json["token"])
        sleeper = {"command": ["sleep", "60"]}
        yield from expected(400, caller.ask("POST", "/v1/evaluations", sleeper | {"limits": {"wall_time_ms": 60001}}))
        taken = [caller.ask("POST", "/v1/evaluations", sleeper) for _ in range(2)]
        for each in taken:
            yield from expected(202, each)
        yield from expected(429, caller.ask("POST", "/v1/evaluations", sleeper))
        daemon.kill()
        daemon.start()
        caller = Caller(tcp(daemon), caller.token)
        yield from expected(429, caller.ask("POST", "/v1/evaluations", sleeper))
        for each in taken:
            yield from expected(202, caller.ask("POST", f"/v1/evaluations/{each.json['id']}/cancel"))
            daemon.client().finished(each.json["id"])
        yield from expected(202, again := caller.ask("POST", "/v1/evaluations", sleeper))
        daemon.client().cancel(again.json["id"])
        daemon.client().finished(again.json["id"])
        made_rated = daemon.client().request("POST", "/v1/tokens", {"name": "slow", "limits": {"submissions_per_minute": 2}})
        slow = Caller(tcp(daemon), made_rated.json["token"])
        for status in (200, 200, 429):
            yield from expected(status, answer := slow.ask("POST", "/v1/evaluations?wait=30", QUICK))
        # Two a minute, and a test that is slower than that would not be here.
        if not 1 < int(answer.headers["Retry-After"]) <= 30:
            yield f"it is told to come again too early or too late: {answer}, {answer.headers}"


def flooded(daemon):
    """One client has the only slot, and 30 more wait; then another one comes with three. The ids of the first, of the flood, and
    of the few."""
    flood, few = (Caller(tcp(daemon), made(daemon, name, "submit")) for name in ("flood", "few"))
    holder = flood.ask("POST", "/v1/evaluations", {"command": ["sleep", "60"]}).json["id"]
    nap = {"command": ["sleep", "0.02"]}
    of_flood = [flood.ask("POST", "/v1/evaluations", nap).json["id"] for _ in range(30)]
    return holder, of_flood, [few.ask("POST", "/v1/evaluations", nap).json["id"] for _ in range(3)]


def order_of_starts(daemon, holder, of_flood, of_few):
    """Ends the first; whose evaluations were started then, until the last of the few was."""
    daemon.client().cancel(holder)
    for each in of_few:
        daemon.client().finished(each)
    started = {each: daemon.client().get(each)["started_at"] for each in of_flood + of_few}
    order = sorted((each for each in started if started[each]), key=lambda each: started[each])
    return ["few" if each in of_few else "flood" for each in order[: order.index(of_few[-1]) + 1]]


TURNS = ["few", "flood", "few", "flood", "few"]


def a_flood_of_one_client_does_not_delay_another_one(scenario):
    with guarded(scenario, slots=1) as daemon:
        holder, of_flood, of_few = flooded(daemon)
        places = [daemon.client().get(each)["queue_position"] for each in of_few]
        if places != [1, 3, 5]:
            yield f"beside a flood its places are {places}"
        order = order_of_starts(daemon, holder, of_flood, of_few)
        if order != TURNS:
            yield f"they do not take turns: {order}"


def a_crash_does_not_put_a_client_behind_the_flood_of_another_one(scenario):
    with guarded(scenario, slots=1) as daemon:
        holder, of_flood, of_few = flooded(daemon)
        daemon.kill()
        daemon.start()
        order = order_of_starts(daemon, holder, of_flood, of_few)
        if order != TURNS:
            yield f"they do not take turns: {order}"


def who_did_what_is_logged(scenario):
    with guarded(scenario, "--log-format", "json") as daemon:
        caller = Caller(tcp(daemon), made(daemon, "ci", "submit"))
        evaluation = caller.ask("POST", "/v1/evaluations", {"command": ["sleep", "60"]}).json["id"]
        caller.ask("POST", f"/v1/evaluations/{evaluation}/cancel")
        caller.ask("GET", "/v1/evaluations")
        Caller(tcp(daemon), "assay_" + "0" * 64).ask("GET", "/v1/evaluations")
        daemon.client().request("POST", "/v1/tokens/ci/revoke")
        daemon.client().finished(evaluation)
        lines = [json.loads(line) for line in daemon.log(last=100000).splitlines()]
        told = [(line["event"], line["by"], line.get("token"), line.get("id")) for line in lines if "event" in line]
        right = [("token_made", "unix socket", "ci", None), ("submitted", "ci", None, evaluation), ("cancelled", "ci", None, evaluation),
                 ("refused", "ci", None, None), ("refused", "anybody", None, None), ("token_revoked", "unix socket", "ci", None)]
        if told != right:
            yield f"it is {told}"
        peers = {line["peer"] for line in lines if line.get("event") == "refused"}
        if peers != {"127.0.0.1"}:
            yield f"who was refused was at {peers}"


def who_guesses_disturbs_nobody_and_fills_nothing(scenario):
    with guarded(scenario) as daemon:
        honest = Caller(tcp(daemon), made(daemon, "ci", "submit", "read"))
        guessed, stop = [], threading.Event()

        def guess():
            caller = Caller(tcp(daemon), "assay_" + "1" * 64)
            while not stop.is_set():
                guessed.append(caller.ask("GET", "/v1/evaluations").status)

        threads = [threading.Thread(target=guess) for _ in range(4)]
        for thread in threads:
            thread.start()
        while len(guessed) < 500:
            yield from expected(200, honest.ask("POST", "/v1/evaluations?wait=30", QUICK))
        stop.set()
        for thread in threads:
            thread.join()
        if set(guessed) != {401}:
            yield f"they are told {set(guessed)}"
        lines = daemon.log(last=10_000_000).count("event=refused")
        if not 0 < lines < len(guessed) / 2:
            yield f"of {len(guessed)} guesses {lines} are logged"
        # Whoever may not is told so from the head, with all of a large body still to come.
        with http.connect(tcp(daemon), 30) as connected:
            connected.sendall(b"POST /v1/evaluations HTTP/1.1\r\nHost: h\r\nContent-Length: 30000000\r\n\r\n{")
            if not connected.recv(4096).startswith(b"HTTP/1.1 401 "):
                yield "a body is waited for that nobody wants"
        # A guess costs a connection: what comes behind it on the same one is not looked at.
        with http.connect(tcp(daemon), 30) as connected:
            guess = b"GET /v1/evaluations HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer assay_%064d\r\n\r\n"
            connected.sendall(b"".join(guess % number for number in range(10)))
            answered = b""
            while received := connected.recv(4096):
                answered += received
            if answered.count(b"HTTP/1.1 401 ") != 1 or b"Connection: close" not in answered:
                yield f"more than one guess a connection: {answered}"


def other_addresses_need_tokens(scenario):
    for address in ("0.0.0.0:0", "[::]:0"):
        try:
            with scenario.daemon(options=["--listen", address]):
                yield f"it listens on {address}"
        except Failure as refused:
            if "--auth required" not in str(refused):
                yield f"{address}: {refused}"


def where_tokens_are_required_the_owner_finds_a_socket(scenario):
    with tempfile.TemporaryDirectory() as directory:
        command = [str(scenario.options.assayd), "--state-dir", f"{directory}/state", "--auth", "required", "--listen", "0.0.0.0:0"]
        read_end, write_end = os.pipe()
        environment = {"PATH": os.environ["PATH"], "ASSAY_KEEPER": os.path.abspath(scenario.options.keeper)}
        process = subprocess.Popen([*command, "--ready-fd", str(write_end)], pass_fds=[write_end], env=environment,
                                   stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(write_end)
        try:
            with os.fdopen(read_end) as ready:
                addresses = ready.readline().split()[1:]
            if f"unix:{directory}/state/socket" not in addresses:
                yield f"there is none: {addresses}"
                return
            answer = http.Client(addresses[-1]).request("POST", "/v1/tokens", {"name": "first", "scopes": ["admin"]})
            yield from expected(201, answer)
            port = addresses[0].rpartition(":")[2]
            yield from expected(200, Caller(f"127.0.0.1:{port}", answer.json["token"]).ask("GET", "/v1/tokens"))
        finally:
            process.terminate()
            process.wait(30)


def a_socket_lets_in_whom_its_mode_lets_in(scenario):
    with scenario.daemon(options=["--socket-mode", "0666"]) as daemon:
        mode = stat.S_IMODE(os.stat(daemon.address.removeprefix("unix:")).st_mode)
        if mode != 0o666:
            yield f"its mode is {mode:o}"
    with scenario.daemon() as daemon:
        mode = stat.S_IMODE(os.stat(daemon.address.removeprefix("unix:")).st_mode)
        if mode != 0o600:
            yield f"without one, its mode is {mode:o}"


def a_page_of_another_site_is_refused(scenario):
    with scenario.daemon(options=["--listen", "127.0.0.1:0", "--origin", "https://assay.example.org"]) as daemon:
        address = tcp(daemon)
        for host, origin, status in ((address, "https://evil.example.org", 403), (address, f"http://{address}", 200),
                                     ("evil.example.org", "http://evil.example.org", 403), (address, "null", 403),
                                     (address, "https://assay.example.org", 200)):
            with http.connect(address, 30) as connected:
                head = f"POST /v1/evaluations?wait=30 HTTP/1.1\r\nHost: {host}\r\nOrigin: {origin}\r\nConnection: close\r\n"
                body = '{"command": ["true"]}'
                connected.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n{body}".encode())
                answer = b"".join(iter(lambda: connected.recv(65536), b""))
            if int(answer.split()[1]) != status or b"access-control" in answer.lower():
                yield f"{origin} asks {host}: {answer[:300]!r}"


def without_tokens_all_is_as_it_was(scenario):
    with scenario.daemon(options=["--listen", "127.0.0.1:0"]) as daemon:
        anybody = Caller(tcp(daemon))
        yield from expected(200, anybody.ask("POST", "/v1/evaluations?wait=30", QUICK))
        yield from expected(200, anybody.ask("GET", "/v1/evaluations"))
        yield from expected(403, anybody.ask("GET", "/v1/tokens"))
        made(daemon, "ci", "read")
        yield from expected(200, anybody.ask("GET", "/v1/evaluations"))
        yield from expected(401, Caller(tcp(daemon), "wrong").ask("GET", "/v1/evaluations"))


main(
    a_scope_is_what_a_token_may_do,
    a_token_outlives_a_crash_and_not_its_revocation,
    a_secret_is_kept_nowhere,
    a_token_has_no_more_than_its_limits,
    a_flood_of_one_client_does_not_delay_another_one,
    a_crash_does_not_put_a_client_behind_the_flood_of_another_one,
    who_did_what_is_logged,
    who_guesses_disturbs_nobody_and_fills_nothing,
    other_addresses_need_tokens,
    where_tokens_are_required_the_owner_finds_a_socket,
    a_socket_lets_in_whom_its_mode_lets_in,
    a_page_of_another_site_is_refused,
    without_tokens_all_is_as_it_was,
)
