#!/usr/bin/python3
"""Clients that leave while they wait, or read slowly, are noticed at once and harm nobody."""

import json
import os
import re
import time

from scenario import main, parallel
from harness import traces
from harness.client import connect

SLEEPER = {"runtime": "sh", "code": "sleep 1.5; echo done"}
LONG_SLEEPER = {"runtime": "sh", "code": "sleep 6; echo done"}


def request(method, path, body=None):
    data = json.dumps(body).encode() if body is not None else b""
    return f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {len(data)}\r\n\r\n".encode() + data


def descriptors(daemon):
    return len(os.listdir(f"/proc/{daemon.pid}/fd"))


def metric(client, name):
    found = re.search(rf"^{name} (\d+)", client.request("GET", "/metrics").body.decode(), re.MULTILINE)
    return int(found[1])


def not_as_many_wait(client, count):
    waiters = metric(client, "assay_waiters")
    return [] if waiters == count else [f"{waiters} wait, and not {count}"]


def not_as_few_descriptors(daemon, count):
    now = descriptors(daemon)
    return [] if now <= count else [f"{now} descriptors are open, there were {count}"]


def waiters_that_leave_are_noticed_at_once_and_change_no_verdict(scenario):
    with scenario.daemon(slots=2) as daemon:
        client = daemon.client()
        first = client.submit(LONG_SLEEPER).json["id"]
        before = descriptors(daemon)
        waiting = [connect(daemon.address, 20) for _ in range(50)]
        for connection in waiting:
            connection.sendall(request("GET", f"/v1/evaluations/{first}?wait=60"))
        yield from traces.eventually(lambda: not_as_many_wait(client, 50), 3)
        for connection in waiting:
            connection.close()
        yield from traces.eventually(lambda: not_as_many_wait(client, 0) or not_as_few_descriptors(daemon, before), 2)
        if client.get(first)["verdict"]:
            yield "it ended before this could be seen"
        if (status := client.finished(first)["status"]) != "completed":
            yield f"the verdict is {status}"


def a_submitter_that_leaves_at_once_is_accepted_or_not_but_never_half(scenario):
    with scenario.daemon(slots=2) as daemon:
        for _ in range(50):
            with connect(daemon.address, 20) as connection:
                connection.sendall(request("POST", "/v1/evaluations?wait=60", {"runtime": "sh", "code": "echo done"}))
        client = daemon.client()
        time.sleep(0.5)
        evaluations = client.request("GET", "/v1/evaluations?limit=1000").json["evaluations"]
        for evaluation in evaluations:
            finished = client.finished(evaluation["id"])
            if (finished["status"], finished["stdout"]["text"]) != ("completed", "done\n"):
                yield f"{finished}"


def one_that_reads_slowly_does_not_hold_up_others(scenario):
    with scenario.daemon(slots=1) as daemon:
        client = daemon.client()
        big = {"runtime": "python", "code": "print('x' * 30_000_000)", "limits": {"output_bytes": 32_000_000}}
        evaluation_id = client.submit(big, wait=60).json["id"]
        slow = [connect(daemon.address, 20) for _ in range(10)]
        for connection in slow:
            connection.sendall(request("GET", f"/v1/evaluations/{evaluation_id}/stdout"))
        begun = time.monotonic()
        for _ in range(20):
            client.request("GET", "/healthz")
        if (seconds := time.monotonic() - begun) > 2:
            yield f"20 requests took {seconds:.1f} s meanwhile"
        with open(f"/proc/{daemon.pid}/status") as status:
            resident = int(re.search(r"VmRSS:\s+(\d+)", status.read())[1])
        if resident > 200_000:
            yield f"the daemon has {resident} KiB in memory for 10 readers of 30 MB"
        for connection in slow:
            connection.close()


def all_who_wait_for_the_same_are_answered(scenario):
    with scenario.daemon(slots=1) as daemon:
        first = daemon.client().submit(SLEEPER).json["id"]
        answers = parallel(30, lambda _: daemon.client().finished(first)["stdout"]["text"], range(30))
        if answers != ["done\n"] * 30:
            yield f"the answers were {answers}"


def a_wait_that_is_too_short_answers_with_what_is(scenario):
    with scenario.daemon(slots=1) as daemon:
        begun = time.monotonic()
        answer = daemon.client().submit(SLEEPER | {"code": "sleep 4"}, wait=1)
        seconds = time.monotonic() - begun
        if answer.status != 202 or answer.json["verdict"] is not None or not 0.9 < seconds < 3:
            yield f"after {seconds:.2f} s it was {answer}"


main(
    waiters_that_leave_are_noticed_at_once_and_change_no_verdict,
    a_submitter_that_leaves_at_once_is_accepted_or_not_but_never_half,
    one_that_reads_slowly_does_not_hold_up_others,
    all_who_wait_for_the_same_are_answered,
    a_wait_that_is_too_short_answers_with_what_is,
)
