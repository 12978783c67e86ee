#!/usr/bin/python3
"""Verdicts of other kinds than a traceback: each true, and in its own words."""

from scenario import finish_all, left_by_daemon, main, python, submit, verdict_of, wait_until, wait_until_running


def programs_end_as_on_one_machine(scenario):
    submissions = {
        ("completed", 0): python("print('x' * 10)"),
        ("failed", 7): python("import sys; sys.exit(7)"),
        ("timed_out", None): python("import time; print('begun', flush=True); time.sleep(60)", limits={"wall_time_ms": 2000}),
        ("not_started", None): {"command": ["/no/such/program"]},
        ("out_of_memory", None): python("held = []\nwhile True: held.append(bytearray(1 << 20))", limits={"memory_bytes": 64 << 20}),
    }
    with scenario.daemon(slots=8) as daemon:
        for expected, evaluation in zip(submissions, finish_all(daemon, submit(daemon, *submissions.values())), strict=True):
            if verdict_of(evaluation)[:2] != expected:
                yield f"expected {expected}: {evaluation}"
            if expected[0] == "timed_out" and evaluation["stdout"]["text"] != "begun\n":
                yield f"what it wrote before is not kept: {evaluation}"
        yield from left_by_daemon(daemon)


def what_runs_can_be_cancelled(scenario):
    with scenario.daemon() as daemon:
        client = daemon.client()
        ids = submit(daemon, python("import time; print('begun', flush=True); time.sleep(600)", limits={"wall_time_ms": 900000}))
        wait_until_running(client, ids)
        wait_until("its pod runs", lambda: any(pod["status"]["phase"] == "Running" for pod in scenario.cluster.objects("pods")))
        client.cancel(ids[0])
        evaluation = finish_all(daemon, ids)[0]
        if verdict_of(evaluation)[0] != "cancelled":
            yield f"{evaluation}"
        yield from left_by_daemon(daemon)


def an_image_that_is_not_there_is_named(scenario):
    options = ["--kubernetes-images", "**", "--kubernetes-pull", "never", "--kubernetes-pull-timeout-s", "5"]
    with scenario.daemon(options=options) as daemon:
        evaluation = finish_all(daemon, submit(daemon, python("print(1)", image="local/absent:9")))[0]
        if verdict_of(evaluation)[0] != "not_started" or "local/absent:9" not in verdict_of(evaluation)[2]:
            yield f"{evaluation}"
        yield from left_by_daemon(daemon)


def a_node_that_does_not_exist_takes_nothing(scenario):
    options = ["--kubernetes-node-selector", "no=such", "--kubernetes-schedule-timeout-s", "5"]
    with scenario.daemon(options=options) as daemon:
        evaluation = finish_all(daemon, submit(daemon, python("print(1)")))[0]
        if verdict_of(evaluation)[0] != "lost" or "no node has taken its pod" not in verdict_of(evaluation)[2]:
            yield f"{evaluation}"
        yield from left_by_daemon(daemon)


main(programs_end_as_on_one_machine, what_runs_can_be_cancelled, an_image_that_is_not_there_is_named, a_node_that_does_not_exist_takes_nothing)
