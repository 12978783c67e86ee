#!/usr/bin/python3
"""assayd is killed with SIGKILL, again and again, while programs wait and run. Every one that was accepted ends in its true
verdict, none runs twice, and none loses a byte."""

import http.client
import threading
import time

from scenario import main
from harness.watch import Watch

PROGRAMS = 50
# Dies in all kinds of ways, after having slept long enough for the daemon to be killed meanwhile.
PROGRAM = """
import os, sys, time
number = int(sys.argv[1])
os.write(1, b"begin %d\\n" % number)
time.sleep(0.02 * (number % 20))
os.write(2, b"middle\\n" * 1000)
time.sleep(0.02 * (number % 7))
os.write(1, b"end %d\\n" % number)
if number % 3 == 1:
    sys.exit(number)
if number % 3 == 2:
    os.kill(os.getpid(), 11)
"""


def submission(number):
    return {"runtime": "python", "code": PROGRAM, "args": [str(number)], "labels": {"number": str(number)}}


def check(number, evaluation):
    expected = [("completed", 0, None), ("failed", number, None), ("failed", None, "SIGSEGV")][number % 3]
    verdict = evaluation["verdict"]
    if (verdict["kind"], verdict["exit_code"], verdict["signal"]) != expected:
        yield f"number {number} must be {expected}, and is {verdict}"
    if evaluation["stdout"]["text"] != f"begin {number}\nend {number}\n":
        yield f"number {number} wrote {evaluation['stdout']}"
    if evaluation["stderr"]["bytes"] != 7000 or evaluation["stderr"]["text"] != "middle\n" * 1000:
        yield f"number {number} wrote {evaluation['stderr']['bytes']} bytes to stderr"
    if evaluation["attempt"] != 1:
        yield f"number {number} took {evaluation['attempt']} attempts"


def check_all(client, ids, watch):
    for number, evaluation_id in ids.items():
        yield from check(number, client.finished(evaluation_id))
    made = watch.counts()
    for number, evaluation_id in ids.items():
        if (starts := made[f"assay-{evaluation_id}-1"]) != 1:
            yield f"number {number} was started {starts} times"


def killed_once_with_fifty_queued_or_running(scenario):
    with scenario.daemon(slots=4) as daemon:
        watch = Watch(daemon.state / "evidence")
        client = daemon.client()
        ids = {number: client.submit(submission(number)).json["id"] for number in range(PROGRAMS)}
        daemon.kill()
        time.sleep(1)  # what was running ends while there is no daemon
        daemon.start()
        yield from check_all(daemon.client(), ids, watch)


def killed_again_and_again_also_while_it_recovers(scenario):
    with scenario.daemon(slots=4) as daemon:
        watch = Watch(daemon.state / "evidence")
        client = daemon.client()
        ids = {number: client.submit(submission(number)).json["id"] for number in range(PROGRAMS)}
        for pause in (0, 0.05, 0.3, 0.01, 0.1, 0.6):
            time.sleep(pause)
            daemon.kill()
            daemon.start()
        yield from check_all(daemon.client(), ids, watch)


def killed_while_clients_submit(scenario):
    """A 202 is a promise; what was not answered is submitted again under its key, and is the same evaluation or a new one."""
    with scenario.daemon(slots=4) as daemon:
        watch = Watch(daemon.state / "evidence")
        ids = {}

        def submit_all(numbers):
            client = daemon.client(timeout=10)
            for number in numbers:
                while number not in ids:
                    try:
                        answer = client.submit(submission(number), **{"Idempotency-Key": f"key-{number}"})
                        if answer.status in (200, 202):
                            ids[number] = answer.json["id"]
                    except (OSError, http.client.HTTPException):
                        client.close()
                        time.sleep(0.02)

        threads = [threading.Thread(target=submit_all, args=[range(first, PROGRAMS, 4)]) for first in range(4)]
        for thread in threads:
            thread.start()
        for _ in range(3):
            time.sleep(0.08)
            daemon.kill()
            daemon.start()
        for thread in threads:
            thread.join(60)
        if len(set(ids.values())) != PROGRAMS:
            yield f"{PROGRAMS} programs have {len(set(ids.values()))} ids"
        yield from check_all(daemon.client(), ids, watch)


def killed_at_once_after_a_cancellation_was_answered(scenario):
    """What a client was told to be cancelled is not run by the next daemon, and what runs does not end as a success."""
    with scenario.daemon(slots=1) as daemon:
        watch = Watch(daemon.state / "evidence")
        for _ in range(5):
            client = daemon.client()
            ids = [client.submit({"runtime": "python", "code": "import time; time.sleep(3)"}).json["id"] for _ in range(2)]
            for evaluation_id in reversed(ids):
                if (answer := client.cancel(evaluation_id)).status != 202:
                    yield f"a cancellation is answered with {answer.status}"
            daemon.kill()
            daemon.start()
            client = daemon.client()
            for evaluation_id in ids:
                if (kind := client.finished(evaluation_id)["verdict"]["kind"]) != "cancelled":
                    yield f"{evaluation_id} was cancelled before the crash, and is {kind}"
            if watch.counts()[f"assay-{ids[1]}-1"]:
                yield "one that waited was started after its cancellation"


def stopped_by_an_operator_while_programs_run(scenario):
    """SIGTERM: what runs is finished by its keeper, and collected at the next start."""
    with scenario.daemon(slots=4) as daemon:
        watch = Watch(daemon.state / "evidence")
        client = daemon.client()
        ids = {number: client.submit(submission(number)).json["id"] for number in range(12)}
        time.sleep(0.1)
        client.close()
        if (status := daemon.stop()) != 0:
            yield f"the daemon ended with {status}"
        daemon.start()
        yield from check_all(daemon.client(), ids, watch)


main(
    killed_once_with_fifty_queued_or_running,
    killed_again_and_again_also_while_it_recovers,
    killed_while_clients_submit,
    killed_at_once_after_a_cancellation_was_answered,
    stopped_by_an_operator_while_programs_run,
)
