#!/usr/bin/python3
"""10,000 submissions at once over a queue of 1,000: each is accepted or told to come again later, and every one that was
accepted gets its verdict and its output."""

import threading
from collections import Counter

from scenario import main, parallel

SUBMISSIONS = 10_000
CLIENTS = 64
QUEUE = 1000


def accepted_or_told_to_come_again_and_nothing_is_lost(scenario):
    with scenario.daemon(slots=4, queue=QUEUE) as daemon:
        local = threading.local()
        program = {"command": ["sh", "-c", 'echo "out $0"; echo "err $0" >&2; exit 1']}

        def client():
            if not hasattr(local, "client"):
                local.client = daemon.client()
            return local.client

        def submit(number):
            answer = client().submit({"command": [*program["command"], str(number)]})
            return number, answer.status, answer.json.get("id"), answer.headers.get("Retry-After")

        answers = parallel(CLIENTS, submit, range(SUBMISSIONS))
        statuses = Counter(status for _, status, _, _ in answers)
        if statuses.keys() - {202, 429} or statuses[202] < QUEUE:
            yield f"the answers were {dict(statuses)}"
        if any(status == 429 and not (retry or "").isdigit() for _, status, _, retry in answers):
            yield "a 429 does not say when to come again"

        def check(accepted):
            number, evaluation_id = accepted
            evaluation = client().finished(evaluation_id, 300)
            got = evaluation["status"], evaluation["verdict"]["exit_code"], evaluation["stdout"]["text"], evaluation["stderr"]["text"]
            return [] if got == ("failed", 1, f"out {number}\n", f"err {number}\n") else [f"number {number}: {evaluation}"]

        accepted = [(number, evaluation_id) for number, status, evaluation_id, _ in answers if status == 202]
        for faults in parallel(8, check, accepted):
            yield from faults


main(accepted_or_told_to_come_again_and_nothing_is_lost)
