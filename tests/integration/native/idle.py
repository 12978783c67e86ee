#!/usr/bin/python3
"""A daemon that has nothing to do does nothing, and is small."""

import os
import re
import time

from scenario import main

SECONDS = 5
RESIDENT_KIB_MAX = 10_000


def status_of(pid, key):
    with open(f"/proc/{pid}/status") as status:
        return int(re.search(rf"^{key}:\s+(\d+)", status.read(), re.MULTILINE)[1])


def wakeups(pid):
    """Of all threads: each time that one went to sleep by itself it had been woken."""
    return sum(status_of(f"{pid}/task/{task}", "voluntary_ctxt_switches") for task in os.listdir(f"/proc/{pid}/task"))


def is_small_and_sleeps(daemon):
    before = wakeups(daemon.pid)
    time.sleep(SECONDS)
    if woken := wakeups(daemon.pid) - before:
        yield f"it woke up {woken} times in {SECONDS} s"
    if (resident := status_of(daemon.pid, "VmRSS")) > RESIDENT_KIB_MAX:
        yield f"it has {resident} KiB in memory"


def a_new_daemon_is_small_and_sleeps(scenario):
    with scenario.daemon(slots=2) as daemon:
        time.sleep(2)  # until it has asked the runtimes for their versions
        yield from is_small_and_sleeps(daemon)


def one_that_has_worked_is_small_again_and_sleeps(scenario):
    with scenario.daemon(slots=2) as daemon:
        client = daemon.client()
        for _ in range(100):
            client.submit({"runtime": "sh", "code": "echo out; echo err >&2"}, wait=20)
        client.close()
        time.sleep(2)
        yield from is_small_and_sleeps(daemon)


main(a_new_daemon_is_small_and_sleeps, one_that_has_worked_is_small_again_and_sleeps)
