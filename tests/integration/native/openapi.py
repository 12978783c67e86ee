#!/usr/bin/python3
"""The API and its description are one: every route is asked, every documented status is seen, and every request and answer is held
against /openapi.json."""

import http.client
import json
import os
import re
import signal
import subprocess
import tempfile
import threading
import time
from pathlib import Path

from scenario import main, traces

from harness import client
from harness.client import Client
from harness.openapi import Checked, Description

RUNTIMES = """
runtimes:
  talking:            # a compiler that says something
    file: main.sh
    compile: [sh, -c, echo compiling]
    command: [sh, main.sh]
"""
UNKNOWN = "20200101_000000_00000000"
SLEEPER = {"runtime": "sh", "code": "sleep 60"}
SMALL_DISK_MIB = 100
LEFT_BYTES = 1 << 20  # less than what must be free of such a disk

seen, faults = set(), []
description = None


def checked(daemon):
    return Checked(description, daemon.client(), seen, faults)


def against_schema(name, text):
    faults.extend(description.faults_of({"$ref": f"#/components/schemas/{name}"}, json.loads(text)))


class HalfOfABody:
    """Says that more comes than does, and reads what it is told."""

    def __init__(self, address):
        self.address = address

    def request(self, method, path, body, headers):
        connected = client.connect(self.address, 60)
        fields = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        connected.sendall(f"{method} {path} HTTP/1.1\r\nHost: h\r\n{fields}Content-Length: {len(body) + 1}\r\n\r\n".encode() + body)
        response = http.client.HTTPResponse(connected, method=method)
        response.begin()
        return client.Answer(response)


def what_was_wrong():
    found = list(faults)
    faults.clear()
    return found


def the_description_is_sound_and_agrees_with_the_table(scenario):
    global description
    with scenario.daemon(slots=1) as daemon:
        description = Description(daemon.client().request("GET", "/openapi.json").json)
        yield from description.own_faults()
        front_page = daemon.client().request("GET", "/").body.decode()
        table = {match.groups() for match in re.finditer(r"(?m)^(GET|POST|PUT|DELETE) +(/\S*) +(.*)$", front_page)}
        described = {(*key, operation["summary"]) for key, operation in description.operations.items()}
        if table != described:
            yield f"only on the front page: {table - described}; only described: {described - table}"


def configured(scenario, directory, **settings):
    path = Path(directory, "assayd.yaml")
    path.write_text(RUNTIMES + "webhook_allow_private: 'yes'\n")
    path.chmod(0o644)
    return scenario.daemon(options=["--config", str(path)], **settings)


def what_is_right_is_answered_as_described(scenario):
    with tempfile.TemporaryDirectory() as directory, configured(scenario, directory) as daemon:
        api = checked(daemon)
        for path in ("/", "/healthz", "/readyz", "/metrics", "/openapi.json", "/v1/runtimes", "/v1/doctor"):
            api.ask("GET", path)
        submission = {"runtime": "talking", "code": "echo out; echo error >&2; exit 3", "args": ["a"], "env": {"A": "b"}, "stdin": "x",
                      "limits": {"wall_time_ms": 5000}, "labels": {"run": "1"}, "priority": 1, "max_attempts": 2,
                      "on_output_limit": "truncate", "network": "none", "backend": "native", "callback_url": "http://127.0.0.1:9/"}
        trace = {"traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", "tracestate": "rojo=1"}
        finished = api.ask("POST", "/v1/evaluations?wait=30", submission, {"Idempotency-Key": "one", **trace}).json
        api.ask("POST", "/v1/evaluations?wait=30&encoding=base64", submission, {"Idempotency-Key": "one"})
        evaluation = f"/v1/evaluations/{finished['id']}"
        api.ask("GET", evaluation)
        api.ask("GET", f"{evaluation}?wait=1&encoding=base64", headers={"Prefer": "wait=2"})
        api.ask("POST", f"{evaluation}/cancel")
        api.ask("GET", f"{evaluation}/deliveries")
        api.ask("POST", f"{evaluation}/redeliver")
        for stream in ("stdout", "stderr", "compile", "output"):
            api.ask("GET", f"{evaluation}/{stream}")
            api.ask("GET", f"{evaluation}/{stream}", headers={"Range": "bytes=0-1"})
            api.ask("GET", f"{evaluation}/{stream}", headers={"Range": "bytes=1000-"})
        api.ask("GET", f"{evaluation}/events?output=none")
        told = api.ask("GET", f"{evaluation}/events").body.decode()
        last_id = re.findall("(?m)^id: (.*)$", told)[-1]
        api.ask("GET", f"{evaluation}/events", headers={"Last-Event-ID": last_id})
        files = [{"path": "main.sh", "content": "./beside"}, {"path": "beside", "content": "IyEvYmluL3No", "encoding": "base64", "executable": True}]
        api.ask("POST", "/v1/evaluations", {"runtime": "sh", "files": files})
        flood = {"runtime": "sh", "code": "yes | head -c 2000000; yes | head -c 20 >&2", "limits": {"output_bytes": 1500000}}
        api.ask("POST", "/v1/evaluations?wait=30", flood)
        api.ask("GET", "/v1/evaluations?limit=1")
        lines = b'{"command": ["true"]}\n{"nonsense": 1}\n'
        batch = api.ask("POST", "/v1/batches", lines, {"Content-Type": "application/jsonl", "Idempotency-Key": "batch", **trace}).json
        api.ask("GET", "/v1/batches?idempotency_key=batch")
        api.ask("GET", f"/v1/batches/{batch['id']}")
        for line in api.ask("GET", f"/v1/batches/{batch['id']}/results?encoding=base64").body.splitlines():
            against_schema("Evaluation", line)
        api.ask("GET", f"/v1/batches/{batch['id']}/results?order=submission&after=1&follow=false")
        for line in api.ask("GET", f"/v1/batches/{batch['id']}/errors?after=0").body.splitlines():
            against_schema("RefusedLine", line)
        api.ask("POST", f"/v1/batches/{batch['id']}/cancel")
        api.ask("POST", "/v1/batches", lines, {"Content-Type": "application/jsonl", "Idempotency-Key": "batch"})
        cursor = api.ask("GET", "/v1/evaluations?limit=1&status=failed&label=run:1").json["next_cursor"] or "a1"
        api.ask("GET", f"/v1/evaluations?cursor={cursor}")
        for token in ({"name": "ci"}, {"name": "ci", "scopes": ["read"]}, {"name": "owner", "scopes": ["submit", "read", "admin"]},
                      {"name": "small", "limits": {"open_evaluations": 1, "submissions_per_minute": 60, "wall_time_ms": 1000}}):
            api.ask("POST", "/v1/tokens", token)
        api.ask("GET", "/v1/tokens")
        api.ask("POST", "/v1/tokens/ci/revoke")
        # A backup is named by its second.
        while api.ask("POST", "/v1/admin/backup").status == 201 and api.ask("POST", "/v1/admin/backup").status == 201:
            pass
        crash = {"command": ["sh", "-c", "kill -SEGV $$"]}
        for broken in (crash, {"command": ["nobody"]}, {"runtime": "sh", "code": "sleep 9", "limits": {"wall_time_ms": 100}}):
            api.ask("POST", "/v1/evaluations?wait=30", broken)
    return what_was_wrong()


def what_is_wrong_is_refused_as_described(scenario):
    with scenario.daemon(slots=1, queue=1) as daemon:
        api = checked(daemon)
        for wrong in ({"runtime": "sh", "code": "", "nonsense": 1}, {"runtime": "sh", "code": 1}, {"code": ""},
                      {"runtime": "sh", "code": "", "limits": {"processes": 0}}, {"runtime": "sh", "code": "", "priority": 101}):
            api.ask("POST", "/v1/evaluations", wrong, wrong=True)
        api.ask("POST", "/v1/evaluations", {"runtime": "sh", "code": ""}, {"Idempotency-Key": "one"})
        api.ask("POST", "/v1/evaluations", {"runtime": "sh", "code": "1"}, {"Idempotency-Key": "one"})
        api.ask("POST", "/v1/evaluations", b"runtime: sh", {"Content-Type": "application/yaml"}, wrong=True)
        checked(daemon).ask("POST", "/v1/evaluations", {"runtime": "sh", "code": "x" * (33 << 20)})
        api.ask("GET", "/v1/evaluations?limit=0", wrong=True)
        for wrong in ({"name": "a b"}, {}, {"name": "ci", "scopes": ["all"]}, {"name": "ci", "secret": "mine"},
                      {"name": "ci", "limits": {"open_evaluations": 0}}, {"name": "ci", "limits": {"nonsense": 1}}):
            api.ask("POST", "/v1/tokens", wrong, wrong=True)
        api.ask("POST", "/v1/tokens", b"name: ci", {"Content-Type": "application/yaml"}, wrong=True)
        api.ask("POST", "/v1/tokens/nobody/revoke")
        api.ask("POST", "/v1/batches", b"", {"Content-Type": "application/yaml"}, wrong=True)
        api.ask("POST", "/v1/batches", b"", {"Content-Type": "application/jsonl", "Idempotency-Key": "x" * 256}, wrong=True)
        checked(daemon).ask("POST", "/v1/batches", b"", {"Content-Type": "application/jsonl", "Content-Length": str(2 << 30)}, wrong=True)
        api.ask("GET", "/v1/batches?idempotency_key=", wrong=True)
        api.ask("GET", "/v1/batches?idempotency_key=unknown")
        for path in ("", "/results", "/errors"):
            api.ask("GET", f"/v1/batches/{UNKNOWN}{path}")
        api.ask("GET", f"/v1/batches/{UNKNOWN}/results?order=alphabet", wrong=True)
        api.ask("GET", f"/v1/batches/{UNKNOWN}/errors?after=all", wrong=True)
        api.ask("POST", f"/v1/batches/{UNKNOWN}/cancel")
        for path in ("", "/stdout", "/stderr", "/compile", "/output", "/events", "/deliveries"):
            api.ask("GET", f"/v1/evaluations/{UNKNOWN}{path}")
        api.ask("GET", f"/v1/evaluations/{UNKNOWN}/events", headers={"Last-Event-ID": "nonsense"}, wrong=True)
        api.ask("POST", f"/v1/evaluations/{UNKNOWN}/cancel")
        api.ask("POST", f"/v1/evaluations/{UNKNOWN}/redeliver")
        api.ask("POST", "/v1/evaluations", {"runtime": "sh", "code": "", "callback_url": "ftp://example.org/"}, wrong=True)
        loud = {"runtime": "sh", "code": "yes | head -c 5000000; yes | head -c 5000000 >&2", "limits": {"output_bytes": 6000000}}
        evaluation = api.ask("POST", "/v1/evaluations?wait=30", loud).json["id"]
        api.ask("GET", f"/v1/evaluations/{evaluation}/output")
        api.ask("POST", f"/v1/evaluations/{evaluation}/redeliver")
        api.ask("GET", f"/v1/evaluations/{evaluation}?wait=later", wrong=True)
        api.ask("POST", f"/v1/evaluations/{evaluation}/cancel?encoding=rot13", wrong=True)
        open_ones = []
        while (answer := api.ask("POST", "/v1/evaluations", SLEEPER)).status == 202 and len(open_ones) < 20:
            open_ones.append(answer.json["id"])
        for stream in ("stdout", "stderr", "compile", "output"):
            api.ask("GET", f"/v1/evaluations/{open_ones[0]}/{stream}")
        for evaluation in open_ones:
            api.ask("POST", f"/v1/evaluations/{evaluation}/cancel")
    return what_was_wrong()


def who_waits_while_it_stops_is_told(scenario):
    with scenario.daemon(slots=1) as daemon:
        first = checked(daemon).ask("POST", "/v1/evaluations", SLEEPER).json["id"]
        waiting = [("POST", "/v1/evaluations?wait=60", SLEEPER), ("GET", f"/v1/evaluations/{first}?wait=60", None)]
        threads = [threading.Thread(target=checked(daemon).ask, args=one) for one in waiting]
        for thread in threads:
            thread.start()
        _until(daemon, "assay_waiters 2")
        # A keeper that stands still cannot obey, so that who cancels and waits is waiting.
        keeper = next(pid for pid, name in traces.children(daemon.pid).items() if "keeper" in name)
        os.kill(keeper, signal.SIGSTOP)
        threads.append(threading.Thread(target=checked(daemon).ask, args=("POST", f"/v1/evaluations/{first}/cancel?wait=60")))
        threads[-1].start()
        threads.append(threading.Thread(target=checked(daemon).ask, args=("GET", "/v1/events")))
        threads[-1].start()
        sending = Checked(description, HalfOfABody(daemon.address), seen, faults)
        threads.append(threading.Thread(target=sending.ask, args=("POST", "/v1/batches", b"\n", {"Content-Type": "application/jsonl", "Idempotency-Key": "half"})))
        threads[-1].start()
        while daemon.client().request("GET", "/v1/batches?idempotency_key=half").status != 200:
            time.sleep(0.05)
        _until(daemon, "assay_waiters 3")
        _until(daemon, "assay_followers 1")
        daemon.stop()
        os.kill(keeper, signal.SIGCONT)
        for thread in threads:
            thread.join(30)
        # What was left is ended, so that nothing is left over.
        daemon.start()
        for evaluation in daemon.client().request("GET", "/v1/evaluations").json["evaluations"]:
            daemon.client().cancel(evaluation["id"])
            daemon.client().finished(evaluation["id"])
    return what_was_wrong()


def _until(daemon, line):
    for _ in range(600):
        if f"\n{line}\n" in daemon.client().request("GET", "/metrics").body.decode():
            return
        time.sleep(0.05)
    raise AssertionError(f"never: {line}")


def without_a_slot_it_is_not_ready(scenario):
    options = ["--backend", "docker", "--docker-host", "unix:///nowhere.sock", "--docker-image", "local/none:1"]
    with scenario.daemon(options=options) as daemon:
        checked(daemon).ask("GET", "/readyz")
    return what_was_wrong()


def on_a_full_disk_it_is_not_ready_and_takes_nothing(scenario):
    if os.getuid() != 0:
        return ["needs root, to mount a small disk"]
    with tempfile.TemporaryDirectory() as directory:
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SMALL_DISK_MIB}M", "tmpfs", directory], check=True)
        try:
            with scenario.daemon(directory=directory, slots=1, log=f"{directory}/log") as daemon:
                disk = os.statvfs(directory)
                with open(f"{directory}/filling", "wb") as filling:
                    os.posix_fallocate(filling.fileno(), 0, disk.f_bavail * disk.f_frsize - LEFT_BYTES)
                checked(daemon).ask("GET", "/readyz")
                refused = checked(daemon).ask("POST", "/v1/evaluations", SLEEPER)
                if refused.status != 507:
                    daemon.client().cancel(refused.json["id"])
                checked(daemon).ask("POST", "/v1/batches", b"", {"Content-Type": "application/jsonl"})
                checked(daemon).ask("POST", "/v1/admin/backup")
        finally:
            subprocess.run(["umount", "--lazy", directory], check=True)  # keepers may take a moment to go
    return what_was_wrong()


def who_may_not_is_told_so_on_every_route(scenario):
    with scenario.daemon(options=["--auth", "required", "--listen", "127.0.0.1:0"]) as daemon:
        client = Client(next(address for address in daemon.addresses if not address.startswith("unix:")))
        problem = description.document["components"]["schemas"]["Problem"]
        for (method, path), operation in description.operations.items():
            target = re.sub(r"\{\w*token\w*\}", "nobody", path)
            target = re.sub(r"\{\w+\}", UNKNOWN, target)
            asked = {"403": {"Origin": "https://elsewhere.example.org"}}
            if "401" in operation["responses"]:
                asked["401"] = {}
            for status, headers in asked.items():
                answer = client.request(method, target, None, headers)
                if str(answer.status) != status or description.faults_of(problem, answer.json):
                    yield f"{method} {path} is not answered {status}: {answer}"
                seen.add((operation["operationId"], status))


def every_documented_answer_was_seen(scenario):
    return [f"never seen: {name} {status}" for name, status in sorted(description.documented() - seen)]


main(
    the_description_is_sound_and_agrees_with_the_table,
    what_is_right_is_answered_as_described,
    what_is_wrong_is_refused_as_described,
    who_waits_while_it_stops_is_told,
    without_a_slot_it_is_not_ready,
    on_a_full_disk_it_is_not_ready_and_takes_nothing,
    who_may_not_is_told_so_on_every_route,
    every_documented_answer_was_seen,
)
