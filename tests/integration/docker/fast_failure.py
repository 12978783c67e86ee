#!/usr/bin/python3
"""The race that started it all: programs that are dead before Docker has said that they were started, while Docker's words come
late, twice, in another order, in pieces or not at all. Each ends as what it is: failed, with its traceback."""

import threading
import time

from scenario import EVIDENCE, SHORT_EVIDENCE, check_divided, check_once, divide_all, finish_all, left_by_daemon, long, main, wait_until_running
from harness import docker_proxy

COUNT = 20
SLOTS = 10
DEATHS = long(600, 100)


def wrong(daemon, evaluations):
    yield from check_divided(evaluations)
    for evaluation in evaluations:
        yield from check_once(evaluation)
    yield from left_by_daemon(daemon)


def the_reply_to_start_is_late(scenario, evidence, milliseconds):
    with scenario.proxied_daemon(slots=SLOTS, evidence=evidence) as (proxy, daemon):
        late = proxy.add("POST /containers/[^/]+/start", docker_proxy.delay_reply(milliseconds / 1000))
        yield from wrong(daemon, divide_all(daemon, COUNT))
        if late.count < COUNT:
            yield f"only {late.count} of {COUNT} replies were late"


def a_reply_is_lost(scenario, evidence, call):
    """What was done, though nobody said so, is not done again, and is found."""
    with scenario.proxied_daemon(slots=SLOTS, evidence=evidence) as (proxy, daemon):
        lost = proxy.add(call, docker_proxy.first_of_each(docker_proxy.lose_reply))
        yield from wrong(daemon, divide_all(daemon, COUNT))
        if lost.count < COUNT:
            yield f"only {lost.count} of {COUNT} replies were lost"


def the_events_are(scenario, evidence, kind):
    fault = docker_proxy.cut(2000, scenario.random) if kind == "cut" else getattr(docker_proxy, f"{kind}_events")
    with scenario.proxied_daemon(slots=SLOTS, evidence=evidence) as (proxy, daemon):
        bad = proxy.add("GET /events", fault)
        proxy.hang_up()  # what the daemon is connected to already is good
        yield from wrong(daemon, divide_all(daemon, COUNT))
        if not bad.count:
            yield "nobody asked for events"


def the_events_are_refused_for_5_seconds(scenario, evidence):
    with scenario.proxied_daemon(slots=SLOTS, evidence=evidence) as (proxy, daemon):
        refused = proxy.add("GET /events", docker_proxy.refuse)
        proxy.hang_up()
        timer = threading.Timer(5, proxy.clear)
        timer.start()
        evaluations = divide_all(daemon, COUNT)
        timer.join()
        yield from wrong(daemon, evaluations + divide_all(daemon, 2))
        if not refused.count:
            yield "nobody asked for events"


def everything_is_refused_for_5_seconds(scenario, evidence):
    """They are dead when Docker can be asked again."""
    with scenario.proxied_daemon(slots=SLOTS, evidence=evidence) as (proxy, daemon):
        client = daemon.client()
        submission = {"runtime": "python", "code": "import time\ntime.sleep(2)\nprint(1/0)"}
        ids = [client.submit(submission).json["id"] for _ in range(SLOTS)]
        wait_until_running(client, ids)
        with proxy.gone():
            time.sleep(5)
        for evaluation in finish_all(daemon, ids):
            verdict = evaluation["verdict"]
            if (verdict["kind"], verdict["exit_code"]) != ("failed", 1) or "ZeroDivisionError" not in evaluation["stderr"]["text"]:
                yield f"{evaluation}"
        yield from left_by_daemon(daemon)


def deaths_while_disconnected_from_the_events(scenario, evidence):
    """More than Docker remembers: its ring holds 256 events."""
    with scenario.proxied_daemon(slots=50, evidence=evidence) as (proxy, daemon):
        refused = proxy.add("GET /events", docker_proxy.refuse)
        proxy.hang_up()
        evaluations = divide_all(daemon, DEATHS, 60)
        if not refused.count:
            yield "nobody asked for events"
        proxy.clear()
        yield from wrong(daemon, evaluations + divide_all(daemon, 2))


DELAYS_MS = (0, 50, 100, 300, 5000)
CALLS = ("POST /containers/create", "POST /containers/[^/]+/start")
KINDS = ("dropped", "doubled", "reordered", "silent", "cut")

main(
    *((the_reply_to_start_is_late, "bind", delay) for delay in DELAYS_MS),
    *((the_reply_to_start_is_late, "volume", delay) for delay in long(DELAYS_MS, (300,))),
    *((a_reply_is_lost, evidence, call) for evidence in EVIDENCE for call in CALLS),
    *((the_events_are, evidence, kind) for evidence in SHORT_EVIDENCE for kind in KINDS),
    *((the_events_are_refused_for_5_seconds, evidence) for evidence in SHORT_EVIDENCE),
    *((everything_is_refused_for_5_seconds, evidence) for evidence in EVIDENCE),
    *((deaths_while_disconnected_from_the_events, evidence) for evidence in SHORT_EVIDENCE),
)
