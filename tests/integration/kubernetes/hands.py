#!/usr/bin/python3
"""Networks and administrators get in the way of what runs and of what is to run: one true verdict each, and nothing is left
over."""

import time

from scenario import (
    DIVIDE, SLEEP, Flight, check_divided, finish_all, kubernetes, left_by_daemon, main, python, relay, submit, through_trouble, verdict_of,
    wait_until, wait_until_running,
)

SPACE = f"/api/v1/namespaces/{kubernetes.NAMESPACE}"
NODE = f"/api/v1/nodes/{kubernetes.NODE}"
TROUBLE_SECONDS = 12


def through_relay(scenario, trouble):
    """With a network that the test can spoil between daemon and API server."""
    with (
        relay.Relay(kubernetes.PORT, scenario.cluster.inside_network) as network,
        scenario.daemon(slots=8, config=scenario.cluster.config_through(network.listening_port)) as daemon,
    ):
        yield from through_trouble(daemon, lambda flight: trouble(network))


def watches_that_are_cut_again_and_again_lose_nothing(scenario):
    def trouble(network):
        for _ in range(5):
            time.sleep(1)
            network.cut()

    yield from through_relay(scenario, trouble)


def a_watch_that_goes_silent_loses_nothing(scenario):
    yield from through_relay(scenario, relay.Relay.hush)


def rights_that_are_taken_away_and_given_back_cost_time_only(scenario):
    with scenario.daemon(slots=8) as daemon:
        flight = Flight(daemon)
        flight.take_off()
        scenario.cluster.allow([])
        flight.add_short(2)
        time.sleep(TROUBLE_SECONDS)
        scenario.cluster.allow(kubernetes.RULES)
        yield from flight.land()
        yield from left_by_daemon(daemon)


def with_quota(scenario, limits):
    with scenario.daemon(slots=8) as daemon:
        flight = Flight(daemon)
        flight.take_off()
        scenario.cluster.make(f"{SPACE}/resourcequotas", {"metadata": {"name": "nothing"}, "spec": {"hard": limits}})
        flight.add_short(3)
        time.sleep(TROUBLE_SECONDS)
        scenario.cluster.call("DELETE", f"{SPACE}/resourcequotas/nothing")
        yield from flight.land()
        yield from left_by_daemon(daemon)


def a_quota_of_no_jobs_is_waited_out(scenario):
    yield from with_quota(scenario, {"count/jobs.batch": "0"})


def a_quota_of_no_pods_is_waited_out(scenario):
    yield from with_quota(scenario, {"pods": "0"})


def a_node_that_takes_no_more_is_waited_for_and_what_runs_goes_on(scenario):
    with scenario.daemon(slots=8) as daemon:
        flight = Flight(daemon)
        flight.take_off()
        scenario.cluster.call("PATCH", NODE, {"spec": {"unschedulable": True}})
        short = flight.add_short(3)
        wait_until("they wait", lambda: all(daemon.client().get(each)["status"] == "preparing" for each in short))
        time.sleep(TROUBLE_SECONDS)
        scenario.cluster.call("PATCH", NODE, {"spec": {"unschedulable": None}})
        yield from flight.land()
        yield from left_by_daemon(daemon)


def what_is_evicted_is_lost_and_the_others_are_not(scenario):
    with scenario.daemon(slots=8) as daemon:
        evicted = submit(daemon, *[python(SLEEP.format(600), limits={"wall_time_ms": 900_000})] * 2)
        wait_until_running(daemon.client(), evicted)
        pods = wait_until("their pods run", lambda: running_pods(scenario.cluster, len(evicted)))
        flight = Flight(daemon)
        flight.take_off()
        for pod in pods:
            status = {"status": {"phase": "Failed", "reason": "Evicted", "message": "The node was low on resource: memory."}}
            scenario.cluster.call("PATCH", f"{SPACE}/pods/{pod['metadata']['name']}/status", status)
        for evaluation in finish_all(daemon, evicted):
            if verdict_of(evaluation)[0] != "lost" or "Evicted" not in verdict_of(evaluation)[2]:
                yield f"{evaluation}"
        yield from flight.land()
        yield from left_by_daemon(daemon)


def what_is_drained_is_lost_and_starts_once(scenario):
    """As `kubectl drain` does it: the node takes no more, and its pods are evicted one by one."""
    with scenario.daemon(slots=8) as daemon:
        drained = submit(daemon, *[python(SLEEP.format(600), limits={"wall_time_ms": 900_000})] * 3)
        wait_until_running(daemon.client(), drained)
        pods = wait_until("their pods run", lambda: running_pods(scenario.cluster, len(drained)))
        scenario.cluster.call("PATCH", NODE, {"spec": {"unschedulable": True}})
        for pod in pods:
            name = pod["metadata"]["name"]
            scenario.cluster.make(f"{SPACE}/pods/{name}/eviction", {
                "apiVersion": "policy/v1beta1", "kind": "Eviction", "metadata": {"name": name, "namespace": kubernetes.NAMESPACE},
            })
        later = submit(daemon, *[python(DIVIDE)] * 2)
        yield from check_lost(finish_all(daemon, drained), "deleted by somebody else")
        scenario.cluster.call("PATCH", NODE, {"spec": {"unschedulable": None}})
        yield from check_divided(finish_all(daemon, later))
        yield from left_by_daemon(daemon)


def what_ran_on_a_node_that_is_gone_is_lost_and_what_waited_is_not(scenario):
    """Its kubelet says nothing any more, and an administrator takes it out of the cluster; later it comes back."""
    with scenario.daemon(slots=8) as daemon:
        gone = submit(daemon, *[python(SLEEP.format(600), limits={"wall_time_ms": 900_000})] * 3)
        wait_until_running(daemon.client(), gone)
        wait_until("their pods run", lambda: running_pods(scenario.cluster, len(gone)))
        scenario.cluster.kubelet.kill()
        scenario.cluster.call("DELETE", NODE)
        later = submit(daemon, *[python(DIVIDE)] * 2)
        yield from check_lost(finish_all(daemon, gone), "its node says nothing more of it", told=False)
        scenario.cluster.kubelet.start()
        yield from check_divided(finish_all(daemon, later))
        yield from left_by_daemon(daemon)


def check_lost(evaluations, words, told=True):
    """What it had written is there, or, where its log went with its container, counted."""
    for evaluation in evaluations:
        kind, _, reason = verdict_of(evaluation)
        stdout = evaluation.get("stdout", {"text": "", "bytes": 0, "omitted_bytes": 0})
        whole = stdout["bytes"] == (len("begun\n") if told else 0) == len(stdout["text"]) + stdout["omitted_bytes"]
        if kind != "lost" or words not in reason or evaluation["attempt"] != 1 or not whole:
            yield f"{evaluation}"


def running_pods(cluster, count):
    pods = [pod for pod in cluster.objects("pods") if pod["status"]["phase"] == "Running"]
    return pods if len(pods) == count else None


main(
    watches_that_are_cut_again_and_again_lose_nothing, a_watch_that_goes_silent_loses_nothing,
    rights_that_are_taken_away_and_given_back_cost_time_only, a_quota_of_no_jobs_is_waited_out, a_quota_of_no_pods_is_waited_out,
    a_node_that_takes_no_more_is_waited_for_and_what_runs_goes_on, what_is_evicted_is_lost_and_the_others_are_not,
    what_is_drained_is_lost_and_starts_once, what_ran_on_a_node_that_is_gone_is_lost_and_what_waited_is_not,
)
