#!/usr/bin/python3
"""SIGKILL at random, under load: of assayd, also while it recovers, and of keepers. Nothing that was acknowledged is lost, but what
a killed keeper ran; nothing runs twice; every verdict is true and stays what it was; every byte is there."""

import os
import time

from load import Ledger, Load, check_starts, settle, submit, tell_again
from torture import Note, keepers, kill_keepers, long, main
from harness import traces
from harness.witness import Witness

KILLS = long(1000, 20)
CHECK_EVERY = long(50, 10)
KEEPERS_EVERY = 7
CLIENTS = 5


def kill(daemon, chance, also_keepers):
    """The daemon; a keeper or two before it. Returns how many of these died."""
    victims = keepers(daemon) if also_keepers else []
    victims = chance.sample(victims, min(len(victims), chance.choice((1, 1, 2))))
    kill_keepers(victims)
    if victims:
        time.sleep(chance.choice((0, 0.01, 0.3)))
    daemon.kill()
    return len(victims)


def start(daemon, chance):
    """Starts it again, and may kill it meanwhile. Returns how often it did."""
    kills = 0
    time.sleep(chance.choice((0, 0, 0, 0.3)))
    while chance.random() < 0.2:
        os.close(daemon.spawn())
        time.sleep(chance.uniform(0, 0.15))
        daemon.kill()
        kills += 1
    daemon.start()
    return kills


def at_random_under_load(torture):
    chance, ledger, kills, dead_keepers = torture.random, Ledger(), 0, 0
    begun = time.monotonic()
    with Witness() as witness, torture.daemon(slots=3) as daemon:
        checked = set()
        while kills < KILLS and not ledger.faults:
            load = Load(daemon, ledger, CLIENTS)
            time.sleep(chance.uniform(0, 0.8))
            load.end()
            dead_keepers += kill(daemon, chance, kills % KEEPERS_EVERY == 0)
            kills += 1
            load.join()
            kills += start(daemon, chance)
            client = daemon.client()
            for number in sorted(ledger.unanswered):
                submit(client, ledger, number)
            client.close()
            if len(ledger.open()) > 40 or kills % CHECK_EVERY == 0:
                settle(daemon, ledger)
                tell_again(daemon, ledger, sorted(ledger.told.keys() - checked))
                checked |= ledger.told.keys()
        settle(daemon, ledger)
        tell_again(daemon, ledger, sorted(ledger.told))
        yield from ledger.faults
        yield from check_starts(ledger.told, witness.starts)
        yield from traces.eventually(lambda: [f"left over: evidence {path.name}" for path in daemon.evidence()], 30)
    lost = sum(evaluation["status"] == "lost" for evaluation in ledger.told.values())
    again = sum(evaluation["attempt"] - 1 for evaluation in ledger.told.values())
    if lost + again > dead_keepers:
        yield f"{lost} are lost and {again} were tried again, and only {dead_keepers} keepers were killed"
    yield Note(f"{kills} kills of assayd and {dead_keepers} of keepers in {time.monotonic() - begun:.0f} s: {len(ledger.told)} verdicts, "
               f"{lost} lost, {again} tried again")


main(at_random_under_load, needs_witness=True)
