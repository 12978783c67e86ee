#!/usr/bin/python3
"""One keeper is killed with SIGKILL while it supervises: that evaluation is lost, by the platform's fault, with what it had
written; the others do not notice; the slot comes back."""

import os
import signal
import time

from scenario import main, verdicts
from harness import traces

SLOTS = 3
SLEEPER = "echo begun; echo begun >&2; sleep 2; echo ended"


def keepers(daemon):
    """The keepers themselves: children of the daemon. (Sandboxes are below them.)"""
    below = traces.descendants(daemon.pid)
    return [pid for pid, name in below.items() if name == "assay-keeper" and parent(pid) == daemon.pid]


def parent(pid):
    with open(f"/proc/{pid}/stat") as stat:
        return int(stat.read().rsplit(")", 1)[1].split()[1])


def submit_sleepers(client, count, **more):
    return [client.submit({"runtime": "sh", "code": SLEEPER} | more).json["id"] for _ in range(count)]


def wait_until_all_run(client, ids):
    deadline = time.monotonic() + 20
    while any(client.get(one)["status"] != "running" for one in ids):
        if time.monotonic() > deadline:
            raise AssertionError("they do not all run")
        time.sleep(0.02)
    time.sleep(0.3)  # until all have written what they write first


def the_one_is_lost_and_the_others_do_not_notice(scenario):
    with scenario.daemon(slots=SLOTS) as daemon:
        client = daemon.client()
        ids = submit_sleepers(client, SLOTS)
        wait_until_all_run(client, ids)
        os.kill(keepers(daemon)[0], signal.SIGKILL)
        evaluations = [client.finished(one) for one in ids]
        if (kinds := verdicts(evaluations)) != {"lost": 1, "completed": SLOTS - 1}:
            yield f"the verdicts are {kinds}: {evaluations}"
            return
        lost = next(one for one in evaluations if one["status"] == "lost")
        if (lost["verdict"]["fault"], lost["verdict"]["retryable"]) != ("platform", True):
            yield f"the verdict is {lost['verdict']}"
        if (lost["stdout"]["text"], lost["stderr"]["text"]) != ("begun\n", "begun\n"):
            yield f"of what it had written, {lost['stdout']} and {lost['stderr']} were kept"
        yield from the_slot_comes_back(client)


def the_slot_comes_back(client):
    begun = time.monotonic()
    evaluations = [client.finished(one) for one in submit_sleepers(client, SLOTS)]
    seconds = time.monotonic() - begun
    if (kinds := verdicts(evaluations)) != {"completed": SLOTS}:
        yield f"afterwards the verdicts are {kinds}"
    if seconds > 3.8:
        yield f"afterwards {SLOTS} programs of 2 s took {seconds:.1f} s together: they did not all run at the same time"


def what_may_be_tried_again_is_tried_again(scenario):
    with scenario.daemon(slots=1) as daemon:
        client = daemon.client()
        ids = submit_sleepers(client, 1, max_attempts=2)
        wait_until_all_run(client, ids)
        os.kill(keepers(daemon)[0], signal.SIGKILL)
        evaluation = client.finished(ids[0])
        if (evaluation["status"], evaluation["attempt"]) != ("completed", 2):
            yield f"it is {evaluation['status']} after attempt {evaluation['attempt']}"
        if evaluation["stdout"]["text"] != "begun\nended\n":
            yield f"it wrote {evaluation['stdout']}"


def an_idle_one_is_replaced(scenario):
    with scenario.daemon(slots=1) as daemon:
        client = daemon.client()
        client.submit({"runtime": "sh", "code": "true"}, wait=20)
        os.kill(keepers(daemon)[0], signal.SIGKILL)
        evaluation = client.submit({"runtime": "sh", "code": "echo fine"}, wait=30).json
        if evaluation["status"] != "completed":
            yield f"afterwards a program is {evaluation['status']}: {evaluation['verdict']}"


def killed_together_with_the_daemon(scenario):
    """A crash of the whole platform: what ran is lost and says so, what waited runs, nothing hangs."""
    with scenario.daemon(slots=2) as daemon:
        client = daemon.client()
        running = submit_sleepers(client, 2)
        waiting = submit_sleepers(client, 2)
        wait_until_all_run(client, running)
        victims = keepers(daemon)
        daemon.kill()
        for victim in victims:
            os.kill(victim, signal.SIGKILL)
        daemon.start()
        client = daemon.client()
        kinds = verdicts(client.finished(one) for one in running), verdicts(client.finished(one) for one in waiting)
        if kinds != ({"lost": 2}, {"completed": 2}):
            yield f"what ran and what waited is {kinds}"


main(
    the_one_is_lost_and_the_others_do_not_notice,
    what_may_be_tried_again_is_tried_again,
    an_idle_one_is_replaced,
    killed_together_with_the_daemon,
)
