#!/usr/bin/python3
"""Who follows a program in a container is told the same as of one on the host: while it runs where the evidence is on this host, and
all of it at the end where it is in a volume."""

from scenario import EVIDENCE, left_by_daemon, main
from harness import docker
from harness.events import follow, output, statuses

WRITTEN = b"out\n\xff error\nthe end\n"


def a_follower_is_told_everything_in_order(scenario, evidence):
    with scenario.daemon(slots=1, evidence=evidence, image=docker.SMALL_IMAGE) as daemon:
        client = daemon.client()
        code = "echo out; printf '\\377 error\\n' >&2; sleep 5; echo the end"
        evaluation_id = client.submit({"command": ["sh", "-c", code]}).json["id"]
        events, when = [], None
        for event in follow(daemon.address, evaluation_id):
            events.append(event)
            if event.name == "output" and not when:
                when = client.get(evaluation_id)["status"]
        if output(events) != WRITTEN or statuses(events)[-1] != "completed":
            yield f"{events}"
        if (when == "running") != (evidence == "bind"):
            yield f"the first output came while it was {when}"
        if output(follow(daemon.address, evaluation_id)) != WRITTEN:
            yield "who comes late is told something else"
        yield from left_by_daemon(daemon)


main(*((a_follower_is_told_everything_in_order, evidence) for evidence in EVIDENCE), images=(docker.SMALL_IMAGE,))
