#!/usr/bin/python3
"""The program that everything began with: it dies as soon as it runs, and nothing of it may be lost."""

import threading

from scenario import DIVIDE, TRACEBACK, main, parallel, verdicts
from harness import traces

COUNT = 1000
CLIENTS = 8


def a_thousand_programs_that_die_at_once_lose_nothing(scenario):
    before = traces.Host()
    with scenario.daemon(slots=4) as daemon:
        names = traces.names_of(daemon)
        local = threading.local()

        def evaluate(_):
            if not hasattr(local, "client"):
                local.client = daemon.client()
            return local.client.submit({"runtime": "python", "code": DIVIDE}, wait=60).json

        evaluations = parallel(CLIENTS, evaluate, range(COUNT))
        if (kinds := verdicts(evaluations)) != {"failed": COUNT}:
            yield f"the verdicts are {kinds}"
        for evaluation in evaluations:
            verdict, stderr = evaluation["verdict"], evaluation.get("stderr", {}).get("text")
            if not verdict or verdict["exit_code"] != 1 or stderr != TRACEBACK or evaluation["stdout"]["bytes"]:
                yield f"{evaluation}"
        if len({evaluation["id"] for evaluation in evaluations}) != COUNT:
            yield "two have the same id"
        yield from traces.eventually(lambda: [f"left over: {path}" for path in (daemon.state / "evidence").iterdir()])
    yield from traces.left_on_host(before, names)


main(a_thousand_programs_that_die_at_once_lose_nothing)
