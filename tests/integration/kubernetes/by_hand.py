#!/usr/bin/python3
"""Jobs and pods that somebody deletes by hand, and a daemon that is killed: one true verdict each."""

from scenario import SLEEP, finish_all, kubernetes, left_by_daemon, main, python, submit, verdict_of, wait_until, wait_until_running

JOBS = f"/apis/batch/v1/namespaces/{kubernetes.NAMESPACE}/jobs"
PODS = f"/api/v1/namespaces/{kubernetes.NAMESPACE}/pods"


def begin(scenario, daemon, seconds):
    """The id of one that runs."""
    ids = submit(daemon, python(SLEEP.format(seconds), limits={"wall_time_ms": 600000}))
    wait_until_running(daemon.client(), ids)
    wait_until("its pod runs", lambda: any(pod["status"]["phase"] == "Running" for pod in scenario.cluster.objects("pods")))
    return ids


def a_job_deleted_by_hand_does_not_end_its_program(scenario):
    with scenario.daemon() as daemon:
        ids = begin(scenario, daemon, 15)
        for job in scenario.cluster.objects("jobs"):
            scenario.cluster.call("DELETE", f"{JOBS}/{job['metadata']['name']}", {"propagationPolicy": "Background"})
        evaluation = finish_all(daemon, ids)[0]
        if verdict_of(evaluation)[:2] != ("completed", 0) or evaluation["stdout"]["text"] != "begun\nended\n":
            yield f"{evaluation}"
        yield from left_by_daemon(daemon)


def a_pod_deleted_by_hand_is_lost_and_starts_once(scenario):
    with scenario.daemon() as daemon:
        ids = begin(scenario, daemon, 300)
        for pod in scenario.cluster.objects("pods"):
            scenario.cluster.call("DELETE", f"{PODS}/{pod['metadata']['name']}")
        evaluation = finish_all(daemon, ids)[0]
        if verdict_of(evaluation)[0] != "lost" or "deleted by somebody else" not in verdict_of(evaluation)[2]:
            yield f"{evaluation}"
        yield from left_by_daemon(daemon)


def a_daemon_that_was_killed_adopts_what_runs(scenario):
    with scenario.daemon(slots=4) as daemon:
        ids = begin(scenario, daemon, 20) + submit(daemon, *[python(SLEEP.format(1))] * 3)
        daemon.kill()
        daemon.start()
        for evaluation in finish_all(daemon, ids):
            if verdict_of(evaluation)[:2] != ("completed", 0) or evaluation["stdout"]["text"] != "begun\nended\n" or evaluation["attempt"] != 1:
                yield f"{evaluation}"
        yield from left_by_daemon(daemon)


def all_that_is_there_is_deleted_by_hand(scenario):
    """Jobs, pods and Secrets of the namespace at once, with some that run and some that are being made: lost, or not even begun."""
    with scenario.daemon(slots=8) as daemon:
        ids = submit(daemon, *[python(SLEEP.format(600), limits={"wall_time_ms": 900_000})] * 3)
        wait_until_running(daemon.client(), ids)
        ids += submit(daemon, *[python(SLEEP.format(5))] * 3)
        for path in (JOBS, PODS, PODS.replace("pods", "secrets")):
            label = "labelSelector=app.kubernetes.io/managed-by=assay"
            scenario.cluster.call("DELETE", f"{path}?{label}", {"propagationPolicy": "Background"})
        for evaluation in finish_all(daemon, ids):
            kind, _, reason = verdict_of(evaluation)
            ran_whole = kind == "completed" and evaluation["stdout"]["text"] == "begun\nended\n"
            if not (ran_whole or kind == "lost" and "deleted" in reason) or evaluation["attempt"] != 1:
                yield f"{evaluation}"
            if ran_whole and evaluation["id"] in ids[:3]:
                yield f"its pod was deleted: {evaluation}"
        yield from left_by_daemon(daemon)


main(a_job_deleted_by_hand_does_not_end_its_program, a_pod_deleted_by_hand_is_lost_and_starts_once, a_daemon_that_was_killed_adopts_what_runs,
     all_that_is_there_is_deleted_by_hand)
