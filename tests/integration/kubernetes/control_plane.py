#!/usr/bin/python3
"""Each part of a cluster is killed with SIGKILL and started again, and each stands still for 20 s, while many evaluations are on their way:
one true verdict each, at the first attempt, and nothing is left over."""

import time

from scenario import long, main, stopped, through_trouble

PARTS = ("apiserver", "etcd", "scheduler", "controllers", "kubelet", "containerd")
KILLED, PAUSED = long((PARTS, PARTS), (("etcd", "kubelet"), ("apiserver",)))
DOWN_SECONDS, PAUSE_SECONDS = 4, 20


def what_is_on_its_way_survives_the_death_of(scenario, part):
    process = getattr(scenario.cluster, part)

    def kill(flight):
        process.kill()
        flight.add_short(2)
        time.sleep(DOWN_SECONDS)
        process.start()

    with scenario.daemon(slots=8) as daemon:
        yield from through_trouble(daemon, kill)


def what_is_on_its_way_survives_a_pause_of(scenario, part):
    def pause(flight):
        with stopped(getattr(scenario.cluster, part)):
            flight.add_short(2)
            time.sleep(PAUSE_SECONDS)

    with scenario.daemon(slots=8) as daemon:
        yield from through_trouble(daemon, pause)


main(
    *((what_is_on_its_way_survives_the_death_of, part) for part in KILLED),
    *((what_is_on_its_way_survives_a_pause_of, part) for part in PAUSED),
)
