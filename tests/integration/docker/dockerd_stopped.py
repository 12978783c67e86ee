#!/usr/bin/python3
"""dockerd hangs: it accepts, and never answers. assayd goes on answering, deadlines hold, and afterwards all goes on."""

import time

from scenario import (
    EVIDENCE, check_counted, check_once, counter, left_by_daemon, long, main, wait_until, wait_until_running,
)

STOPPED_SECONDS = 20
HEALTH_MS_MAX = 50
# Of a machine that is shared with who knows what else, so many in a hundred answers must come in time.
HEALTH_PERCENT_LEAST = 98


def health(client, seconds):
    """How long each answer took, in ms, for so many seconds."""
    times, end = [], time.monotonic() + seconds
    while time.monotonic() < end:
        begun = time.monotonic()
        status = client.request("GET", "/healthz").status
        times.append((time.monotonic() - begun) * 1000 if status == 200 else float("inf"))
        time.sleep(0.02)
    return times


def stopped_for_20_seconds(scenario, evidence):
    with scenario.daemon(slots=4, evidence=evidence) as daemon:
        client = daemon.client()
        # One whose time is up while dockerd hangs, one that ends meanwhile, one that outlives it, one that comes in between.
        limited = client.submit(counter(100_000, 0.01, limits={"wall_time_ms": 3000})).json["id"]
        ending = client.submit(counter(50, 0.02)).json["id"]
        lasting = client.submit(counter(1200, 0.02, limits={"wall_time_ms": 60_000})).json["id"]
        wait_until_running(client, [limited, ending, lasting])
        scenario.engine.dockerd.pause()
        try:
            between = client.submit(counter(10, 0.01)).json["id"]
            times = health(client, STOPPED_SECONDS)
            early = {name: client.get(each) for name, each in (("limited", limited), ("ending", ending))}
        finally:
            scenario.engine.dockerd.resume()
        slow = [f"{each:.0f}" for each in times if each > HEALTH_MS_MAX]
        if len(slow) > len(times) * (100 - HEALTH_PERCENT_LEAST) / 100:
            yield f"{len(slow)} of {len(times)} answers of /healthz took too long, in ms: {' '.join(slow)}"
        # Where the evidence is with this host, the verdict needs no Docker.
        if evidence == "bind" and (early["limited"]["status"], early["ending"]["status"]) != ("timed_out", "failed"):
            yield f"while dockerd hung, they were {early}"
        yield from check(client, limited, "timed_out", None)
        for each, lines in ((ending, 50), (lasting, 1200), (between, 10)):
            yield from check(client, each, "failed", lines)
        yield from left_by_daemon(daemon)


def check(client, evaluation_id, kind, lines):
    evaluation = client.finished(evaluation_id)
    if evaluation["verdict"]["kind"] != kind:
        yield f"expected {kind}: {evaluation['verdict']}"
    yield from check_once(evaluation)
    yield from check_counted(evaluation, lines=lines)
    if kind == "timed_out" and not 3000 <= evaluation["usage"]["wall_time_ms"] < 5000:
        yield f"a limit of 3 s was enforced after {evaluation['usage']['wall_time_ms']} ms"


def one_that_is_not_launched_in_time_says_so(scenario, evidence):
    """dockerd does not come back before the start is overdue: lost, by the platform's fault, and never a run afterwards."""
    with scenario.daemon(slots=1, evidence=evidence) as daemon:
        client = daemon.client()
        client.submit({"runtime": "sh", "code": "true"}, wait=60)
        # A dockerd that is stopped while it handles an end loses that container's shim by itself.
        wait_until("its container is removed", lambda: not scenario.engine.containers())
        scenario.engine.dockerd.pause()
        try:
            evaluation = client.submit({"runtime": "sh", "code": "echo never"}, wait=110).json
        finally:
            scenario.engine.dockerd.resume()
        if evaluation["status"] not in ("lost", "queued", "starting"):
            yield f"{evaluation['status']}: {evaluation['verdict']}"
        if evaluation["status"] == "lost":
            time.sleep(5)
            yield from left_by_daemon(daemon)
        else:
            client.finished(evaluation["id"])


main(
    *((stopped_for_20_seconds, evidence) for evidence in EVIDENCE),
    *((one_that_is_not_launched_in_time_says_so, evidence) for evidence in long(EVIDENCE, ())),
)
