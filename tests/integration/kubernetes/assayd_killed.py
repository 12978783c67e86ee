#!/usr/bin/python3
"""assayd is killed with SIGKILL at random, again and again, while clients submit, and is started again each time. Every one that
was accepted ends in its true verdict, none runs twice, and in the end nothing is left in the cluster."""

import statistics
import time

from scenario import (
    LANDING_SECONDS, Load, Note, Sightings, check_counted, check_once, counter, finish_all, left_by_daemon, long, main, wait_until,
)

KILLS = long(100, 8)
CLIENTS, SLOTS, LINES = 4, 6, 10


def submission(seen):
    """Some are dead at once, some go on for seconds, so that they are there when the daemon is not; none is a success."""
    return lambda number: counter(LINES if number % 2 else 0, 0.5, seen.argument(number))


def running(client):
    return {one["id"] for one in client.request("GET", "/v1/evaluations?status=running&limit=1000").json["evaluations"]}


def adopted(daemon, ids):
    """After how many seconds all of these, which ran before, are known to run, or to have ended. (Until it has been looked at, what was
    open counts as queued.)"""
    begun = time.monotonic()
    client = daemon.client()
    wait_until("all are adopted", lambda: not any(client.get(each)["status"] == "queued" for each in ids))
    return time.monotonic() - begun


def at_random_under_load(scenario):
    adoptions = []
    with Sightings() as seen, scenario.daemon(slots=SLOTS, queue=20) as daemon:
        load = Load(daemon, CLIENTS, 0.3, submission(seen))
        for kill in range(KILLS):
            time.sleep(scenario.random.uniform(0, 3))
            before = running(daemon.client()) if kill % 2 else ()
            daemon.kill()
            time.sleep(scenario.random.choice((0, 0, 0.5, 2)))
            daemon.start()
            if before:
                adoptions.append(adopted(daemon, before))
        ids = load.end()
        yield Note(f"{KILLS} kills, {len(ids)} accepted; what ran was adopted within {max(adoptions):.2f} s, "
                   f"in the median {statistics.median(adoptions):.2f} s")
        if len(ids) < KILLS // 2 or len(set(ids.values())) != len(ids):
            yield f"{len(ids)} were accepted, with {len(set(ids.values()))} ids"
        for number, evaluation in zip(ids, finish_all(daemon, ids.values(), LANDING_SECONDS)):
            verdict = evaluation["verdict"]
            if (verdict["kind"], verdict["exit_code"]) != ("failed", 7):
                yield f"number {number}: {verdict}"
            yield from check_once(evaluation)
            yield from check_counted(evaluation, lines=LINES if number % 2 else 0)
        yield from seen.faults()
        yield from left_by_daemon(daemon)


main(at_random_under_load)
