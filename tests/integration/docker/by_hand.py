#!/usr/bin/python3
"""Somebody removes, kills, stops or pauses containers by hand. Every evaluation has one true verdict all the same, and what was
written until then is kept."""

import threading
import time

from scenario import (
    EVIDENCE, Note, check_counted, check_once, counter, finish_all, left_by_daemon, long, main, output_of, parallel, verdicts,
    wait_until,
)

COUNT = long(100, 30)
AT_ONCE = 8
LINES, SECONDS_BETWEEN = 150, 0.01
LASTING_LINES = 400
# What is in a pipe when the keeper is killed is not with the keeper yet; and a busy machine lets programs wait.
SLACK_SECONDS = 1.0


def remove(engine, name):
    return engine.request("DELETE", f"/containers/{name}?force=1")


def kill(engine, name):
    return engine.request("POST", f"/containers/{name}/kill")


def terminate(engine, name):
    return engine.request("POST", f"/containers/{name}/kill?signal=TERM")


def stop(engine, name):
    return engine.request("POST", f"/containers/{name}/stop?t=3")


def pause(engine, name):
    """For a moment."""
    answer = engine.request("POST", f"/containers/{name}/pause")
    time.sleep(0.7)
    engine.request("POST", f"/containers/{name}/unpause")
    return answer


ACTS = (remove, kill, terminate, stop, pause)


def act_at(engine, act, evaluation_id, pause_seconds):
    """Acts on the container so long after it is there. Returns the time before the act, or None where it was too late for it."""
    name = f"assay-{evaluation_id}-1"
    wait_until(f"a container {name}", lambda: engine.request("GET", f"/containers/{name}/json").status == 200, 60)
    time.sleep(pause_seconds)
    before = time.monotonic()
    return before if act(engine, name).status < 300 else None


def check(act, acted, evaluation):
    verdict = evaluation["verdict"]
    yield from check_once(evaluation)
    if verdict["kind"] == "failed" and verdict["exit_code"] == 7:
        yield from check_counted(evaluation, lines=LINES)  # it had ended before, or went on afterwards, or had not begun
    elif verdict["kind"] != "lost" or act == pause or acted is None:
        yield f"{act.__name__}: {verdict}"
    else:
        yield from check_counted(evaluation, until=acted - SLACK_SECONDS if started(evaluation, acted) else None)


def started(evaluation, acted):
    """Whether its first line can have been expected before the slack began."""
    return output_of(evaluation) and float(output_of(evaluation).split("\n")[0].split(" ")[1]) < acted - SLACK_SECONDS


def at_random_moments(scenario, evidence):
    with scenario.daemon(slots=AT_ONCE, evidence=evidence) as daemon:
        plan = [(ACTS[number % len(ACTS)], scenario.random.uniform(0, 3)) for number in range(COUNT)]

        def work(item):
            act, pause_seconds = item
            client = daemon.client()
            evaluation_id = client.submit(counter(LINES, SECONDS_BETWEEN)).json["id"]
            acted = act_at(scenario.engine, act, evaluation_id, pause_seconds)
            return act, acted, client.finished(evaluation_id)

        done = parallel(AT_ONCE, work, plan)
        for act, acted, evaluation in done:
            yield from check(act, acted, evaluation)
        for act in ACTS:
            in_time = verdicts(evaluation for each, acted, evaluation in done if each == act and acted)
            yield Note(f"{act.__name__}: {in_time}, too late: {sum(each == act and not acted for each, acted, _ in done)}")
        kinds = verdicts(evaluation for _, _, evaluation in done)
        if kinds.keys() != {"failed", "lost"}:
            yield f"the moments were not spread over their lives: {kinds}"
        again = finish_all(daemon, [evaluation["id"] for _, _, evaluation in done])
        for (_, _, first), second in zip(done, again):
            if (first["verdict"], first["stdout"]) != (second["verdict"], second["stdout"]):
                yield f"the verdict was {first['verdict']} and is {second['verdict']}"
        yield from left_by_daemon(daemon)


def one_that_stays_paused_ends_at_its_deadline(scenario, evidence):
    with scenario.daemon(slots=1, evidence=evidence) as daemon:
        client = daemon.client()
        evaluation_id = client.submit(counter(100_000, 0.01, limits={"wall_time_ms": 8000})).json["id"]
        wait_until("it runs", lambda: client.get(evaluation_id)["status"] == "running")
        time.sleep(1)
        acted = time.monotonic()
        scenario.engine.call("POST", f"/containers/assay-{evaluation_id}-1/pause")
        evaluation = client.finished(evaluation_id, 60)
        if evaluation["verdict"]["kind"] not in ("timed_out", "lost"):
            yield f"the verdict is {evaluation['verdict']}"
        yield Note(evaluation["verdict"])
        yield from check_counted(evaluation, until=acted - SLACK_SECONDS)
        if (status := client.submit({"runtime": "sh", "code": "true"}, wait=60).json["status"]) != "completed":
            yield f"the next one is {status}"
        yield from left_by_daemon(daemon)


def what_may_be_tried_again_is_tried_again(scenario, evidence):
    with scenario.daemon(slots=1, evidence=evidence) as daemon:
        client = daemon.client()
        evaluation_id = client.submit(counter(LASTING_LINES, 0.02, max_attempts=2)).json["id"]
        wait_until("it runs", lambda: client.get(evaluation_id)["status"] == "running")
        scenario.engine.call("DELETE", f"/containers/assay-{evaluation_id}-1?force=1")
        evaluation = client.finished(evaluation_id)
        if (evaluation["verdict"]["kind"], evaluation["attempt"]) != ("failed", 2):
            yield f"{evaluation['verdict']} after attempt {evaluation['attempt']}"
        yield from check_counted(evaluation, lines=LASTING_LINES)
        yield from left_by_daemon(daemon)


def a_restart_by_hand_does_not_run_it_again(scenario, evidence):
    """`docker restart` of a container that has begun: the keeper's start marker keeps the program from a second start."""
    with scenario.daemon(slots=1, evidence=evidence) as daemon:
        client = daemon.client()
        evaluation_id = client.submit(counter(300, 0.02)).json["id"]
        wait_until("it runs", lambda: client.get(evaluation_id)["status"] == "running")
        time.sleep(0.5)
        threading.Thread(
            target=scenario.engine.request, args=["POST", f"/containers/assay-{evaluation_id}-1/restart?t=1"],
        ).start()
        evaluation = client.finished(evaluation_id)
        if evaluation["verdict"]["kind"] != "lost":
            yield f"the verdict is {evaluation['verdict']}"
        yield from check_counted(evaluation)
        yield from left_by_daemon(daemon)


main(
    *((rule, evidence) for evidence in EVIDENCE for rule in (
        at_random_moments, one_that_stays_paused_ends_at_its_deadline, what_may_be_tried_again_is_tried_again,
        a_restart_by_hand_does_not_run_it_again,
    )),
)
