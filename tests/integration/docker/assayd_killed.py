#!/usr/bin/python3
"""assayd is killed with SIGKILL at random, again and again, while clients submit, and is started again each time. Every one that
was accepted ends in its true verdict, none runs twice, and in the end no container is left."""

import time

from scenario import (
    EVIDENCE, PATIENCE_SECONDS, Load, Sightings, check_counted, check_once, counter, finish_all, left_by_daemon, long, main,
    wait_until_running,
)

KILLS = long(200, 12)
CLIENTS = 4
SLOTS = 6
# So many are to be accepted, lest it be no load. In a volume each costs Docker several processes of its own that start for a tenth of a
# second of a processor each (`docker-untar`), so that fewer are finished between two kills.
ACCEPTED_MIN = {"bind": KILLS // 2, "volume": KILLS // 8}


def submission(seen):
    """Some are dead at once, some sleep; none is a success."""
    return lambda number: counter(10 if number % 2 else 0, 0.05, seen.argument(number))


def at_random_under_load(scenario, evidence):
    with Sightings() as seen, scenario.daemon(slots=SLOTS, queue=20, evidence=evidence) as daemon:
        load = Load(daemon, CLIENTS, 0.3, submission(seen))
        for _ in range(KILLS):
            time.sleep(scenario.random.uniform(0, 1.5))
            daemon.kill()
            time.sleep(scenario.random.choice((0, 0, 0.5)))
            daemon.start()
        ids = load.end()
        if len(ids) < ACCEPTED_MIN[evidence] or len(set(ids.values())) != len(ids):
            yield f"{len(ids)} were accepted, with {len(set(ids.values()))} ids"
        for number, evaluation in zip(ids, finish_all(daemon, ids.values())):
            verdict = evaluation["verdict"]
            if (verdict["kind"], verdict["exit_code"]) != ("failed", 7):
                yield f"number {number}: {verdict}"
            yield from check_once(evaluation)
            yield from check_counted(evaluation, lines=10 if number % 2 else 0)
        yield from seen.faults()
        yield from left_by_daemon(daemon)


def what_ends_while_there_is_no_daemon_is_found(scenario, evidence):
    """More deaths than Docker remembers events of."""
    count, seconds = long(300, 40), long(240, 10)
    with scenario.daemon(slots=count, queue=count, evidence=evidence) as daemon:
        client = daemon.client()
        limits = {"wall_time_ms": (seconds + 30) * 1000}
        ids = [client.submit(counter(1, seconds, limits=limits), wait=None).json["id"] for _ in range(count)]
        wait_until_running(client, ids, max(seconds, PATIENCE_SECONDS))
        daemon.kill()
        time.sleep(seconds + 3)
        daemon.start()
        for evaluation in finish_all(daemon, ids, PATIENCE_SECONDS):
            if (evaluation["verdict"]["kind"], evaluation["verdict"]["exit_code"]) != ("failed", 7):
                yield f"{evaluation['verdict']}"
            yield from check_counted(evaluation, lines=1)
        yield from left_by_daemon(daemon)


main(*((rule, evidence) for evidence in EVIDENCE for rule in (at_random_under_load, what_ends_while_there_is_no_daemon_is_found)))
