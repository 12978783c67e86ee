#!/usr/bin/python3
"""dockerd is killed with SIGKILL at all moments of a start, and started again: no false success, nothing runs twice, nothing
sticks; and what programs print while there is no dockerd is kept."""

import threading
import time

from scenario import (
    EVIDENCE, Note, Sightings, check_counted, check_once, counter, finish_all, left_by_daemon, long, main, verdicts, wait_until,
    wait_until_running,
)

MOMENTS = long(100, 6)
STEP_SECONDS = 1.0 / MOMENTS  # 100 moments, 10 ms apart; or fewer, over the same second


class Assassin:
    """A fault of the proxy: kills dockerd so long after the request has been sent on."""

    def __init__(self, engine, seconds):
        self.engine, self.seconds = engine, seconds
        self.done = threading.Event()

    def __call__(self, exchange):
        exchange.send()
        if not self.done.is_set():
            threading.Timer(self.seconds, self._kill).start()
        exchange.reply(exchange.read_head())
        for chunk in exchange.chunks():
            exchange.reply(chunk)

    def _kill(self):
        if not self.done.is_set():
            self.engine.dockerd.kill()
            self.done.set()


def killed_after_start(scenario, evidence, live_restore):
    """Programs that take half a second and fail: whatever is said of them, it is not success."""
    with scenario.own_engine(live_restore=live_restore), Sightings() as seen:
        with scenario.proxied_daemon(slots=2, evidence=evidence) as (proxy, daemon):
            evaluations = []
            for moment in range(MOMENTS):
                evaluations.append(one_moment(scenario, proxy, daemon, seen, moment))
            for moment, evaluation in enumerate(evaluations):
                yield from (f"at {moment * STEP_SECONDS:.2f} s: {fault}" for fault in check(evaluation))
            yield Note(f"the verdicts are {verdicts(evaluations)}")
            yield from seen.faults()
            yield from left_by_daemon(daemon)


def one_moment(scenario, proxy, daemon, seen, moment):
    assassin = Assassin(scenario.engine, moment * STEP_SECONDS)
    proxy.add("POST /containers/[^/]+/start", assassin)
    client = daemon.client()
    evaluation_id = client.submit(counter(50, 0.01, seen.argument(moment))).json["id"]
    if not assassin.done.wait(60):
        raise AssertionError("dockerd was not asked to start anything")
    proxy.clear()
    scenario.engine.restart()
    return client.finished(evaluation_id)


def check(evaluation):
    yield from check_once(evaluation)
    verdict = evaluation["verdict"]
    if verdict["kind"] == "failed" and verdict["exit_code"] == 7:
        yield from check_counted(evaluation, lines=50)
    elif verdict["kind"] == "lost":
        yield from check_counted(evaluation)
    else:
        yield f"{verdict}"


def what_is_printed_meanwhile_is_kept(scenario, evidence):
    with scenario.own_engine(live_restore=True):
        with scenario.daemon(slots=5, evidence=evidence) as daemon:
            client = daemon.client()
            ids = [client.submit(counter(200, 0.02)).json["id"] for _ in range(5)]
            wait_until_running(client, ids)
            scenario.engine.dockerd.kill()
            time.sleep(3 if evidence == "bind" else 6)
            scenario.engine.restart()
            for evaluation in finish_all(daemon, ids):
                if (evaluation["verdict"]["kind"], evaluation["verdict"]["exit_code"]) != ("failed", 7):
                    yield f"{evaluation['verdict']}"
                yield from check_once(evaluation)
                yield from check_counted(evaluation, lines=200)
            yield from left_by_daemon(daemon)


def without_live_restore_what_was_printed_until_the_restart_is_kept(scenario, evidence):
    """dockerd ends what it finds running when it starts: that is nobody's success, and no fault of the program."""
    with scenario.own_engine():
        with scenario.daemon(slots=5, evidence=evidence) as daemon:
            client = daemon.client()
            ids = [client.submit(counter(100_000, 0.01)).json["id"] for _ in range(5)]
            wait_until_running(client, ids)
            wait_until("dockerd has noted that they run", lambda: scenario.engine.noted_as_running() == len(ids))
            scenario.engine.dockerd.kill()
            time.sleep(2)
            restarted = time.monotonic()
            scenario.engine.restart()
            for evaluation in finish_all(daemon, ids):
                if evaluation["verdict"]["kind"] != "lost":
                    yield f"{evaluation['verdict']}"
                yield from check_once(evaluation)
                yield from check_counted(evaluation, until=restarted - 1)
            yield from left_by_daemon(daemon)


def containerd_killed_with_it(scenario, evidence):
    with scenario.own_engine(live_restore=True), Sightings() as seen:
        with scenario.daemon(slots=5, evidence=evidence) as daemon:
            client = daemon.client()
            ids = [client.submit(counter(150, 0.02, seen.argument(number))).json["id"] for number in range(5)]
            wait_until_running(client, ids)
            scenario.engine.dockerd.kill()
            scenario.engine.containerd.kill()
            scenario.engine.containerd.start()
            scenario.engine.restart()
            for evaluation in finish_all(daemon, ids):
                yield from check_once(evaluation)
                if evaluation["verdict"]["kind"] != "lost":
                    yield from check_counted(evaluation, lines=150)
                if evaluation["verdict"]["kind"] not in ("failed", "lost"):
                    yield f"{evaluation['verdict']}"
            yield from seen.faults()
            yield from left_by_daemon(daemon)


COMBINATIONS = (("bind", True), ("volume", False), ("bind", False), ("volume", True))

main(
    *((killed_after_start, evidence, live_restore) for evidence, live_restore in long(COMBINATIONS, COMBINATIONS[:2])),
    *((rule, evidence) for evidence in EVIDENCE for rule in (
        what_is_printed_meanwhile_is_kept, without_live_restore_what_was_printed_until_the_restart_is_kept, containerd_killed_with_it,
    )),
)
