#!/usr/bin/python3
"""Containers of others stay, whatever they are called and labelled. Those of this instance that nobody needs any more go, also
those that were there before the daemon was started; those that are needed are adopted."""

import time

from scenario import EVIDENCE, RECONCILED_SECONDS, check_counted, counter, left_by_daemon, long, main, wait_until
from harness import docker


UNKNOWN_ID = "20200101_000000_0123abcd"


def make(engine, name, labels, command=("sleep", "1000"), start=False):
    """A container by somebody else than assayd. Returns its id."""
    body = {"Image": docker.IMAGE, "Cmd": list(command), "Labels": labels, "HostConfig": {"NetworkMode": "none"}}
    container = engine.call("POST", f"/containers/create?name={name}", body)["Id"]
    if start:
        engine.call("POST", f"/containers/{container}/start")
    return container


def ids(engine):
    return {container["Id"] for container in engine.containers()}


def labels_of_one(engine, daemon):
    """The labels that this daemon gives, by the example of a container that runs; and the evaluation that it is of."""
    client = daemon.client()
    evaluation_id = client.submit(counter(100_000, 0.05)).json["id"]
    wait_until("it runs", lambda: client.get(evaluation_id)["status"] == "running")
    [container] = engine.containers()
    return evaluation_id, container["Labels"]


def relabelled(labels, evaluation_id, new_id):
    return {name: value.replace(evaluation_id, new_id) for name, value in labels.items()}


def those_of_others_stay(scenario, evidence):
    engine = scenario.engine
    with scenario.daemon(slots=2, evidence=evidence) as daemon:
        evaluation_id, labels = labels_of_one(engine, daemon)
        # Another daemon's: all the same but for who it is of.
        instance = {name: value for name, value in labels.items() if name.endswith(".instance")}
        if len(instance) != 1:
            yield f"the labels are {labels}"
            return
        foreign = relabelled(labels, evaluation_id, UNKNOWN_ID) | dict.fromkeys(instance, "f" * 16)
        others = {
            make(engine, f"assay-{UNKNOWN_ID}-1", {}), make(engine, f"assay-{UNKNOWN_ID}-2", {}, start=True),
            make(engine, f"assay-{UNKNOWN_ID}-3", foreign, start=True), make(engine, f"assay-{UNKNOWN_ID}-4", foreign, ["true"], start=True),
            make(engine, "assay-tools", {}), make(engine, "assay", {}), make(engine, f"my-assay-{UNKNOWN_ID}-1", {}, start=True),
            make(engine, f"assay-{evaluation_id}-1-backup", {}), make(engine, f"assay-{UNKNOWN_ID}-5", {"assay.evaluation": evaluation_id}),
            make(engine, f"assay-{UNKNOWN_ID}-6", {name: value + "0" for name, value in labels.items()}),
            make(engine, f"assay-{UNKNOWN_ID}-7", {name.upper(): value for name, value in labels.items()}),
        }
        # Of ours, it says, but it cannot be: no name that we give.
        others.add(make(engine, "precious", labels))
        daemon.client().cancel(evaluation_id)
        daemon.client().finished(evaluation_id)
        daemon.kill()
        daemon.start()
        time.sleep(RECONCILED_SECONDS)
        if gone := others - ids(engine):
            yield f"{len(gone)} containers of others are gone"
        running = {container["Id"] for container in engine.containers() if container["State"] == "running"}
        if len(running & others) != 3:
            yield f"{len(running & others)} containers of others still run, of 3"
        if more := ids(engine) - others:
            yield f"{len(more)} of ours are left"
        for container in others:
            engine.call("DELETE", f"/containers/{container}?force=1")


def leftovers_of_ours_go(scenario, evidence):
    engine = scenario.engine
    with scenario.daemon(slots=2, evidence=evidence) as daemon:
        finished, labels = labels_of_one(engine, daemon)
        daemon.client().cancel(finished)
        daemon.client().finished(finished)
        wait_until("its container is removed", lambda: not engine.containers(), 30)
        daemon.stop()
        unknown = relabelled(labels, finished, UNKNOWN_ID)
        make(engine, f"assay-{UNKNOWN_ID}-1", unknown)
        make(engine, f"assay-{finished}-1", labels, start=True)
        daemon.start()
        make(engine, f"assay-{UNKNOWN_ID.replace('a', 'b')}-1", relabelled(labels, finished, UNKNOWN_ID.replace("a", "b")), start=True)
        wait_until("leftovers are removed", lambda: not engine.containers(), RECONCILED_SECONDS)
        if (status := daemon.client().get(finished)["status"]) != "cancelled":
            yield f"the verdict has become {status}"
        yield from left_by_daemon(daemon)


def two_daemons_share_an_engine(scenario, evidence):
    with scenario.daemon(slots=2, evidence=evidence) as one, scenario.daemon(slots=2, evidence=evidence) as other:
        submitted = [(daemon, daemon.client().submit(counter(20, 0.5)).json["id"]) for daemon in (one, other) for _ in range(2)]
        time.sleep(2)
        one.kill()
        one.start()
        for daemon, evaluation_id in submitted:
            evaluation = daemon.client().finished(evaluation_id)
            if evaluation["verdict"]["kind"] != "failed":
                yield f"{evaluation['verdict']}"
            yield from check_counted(evaluation, lines=20)
        yield from left_by_daemon(one)
        yield from left_by_daemon(other)


# Most of the time is spent on waiting: with volumes there is more that could be left, or taken for a leftover.
main(*((rule, evidence) for evidence in long(EVIDENCE, EVIDENCE[1:]) for rule in (those_of_others_stay, leftovers_of_ours_go, two_daemons_share_an_engine)))
