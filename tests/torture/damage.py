#!/usr/bin/python3
"""Bytes of the database are changed, zeroed or cut off at random while no daemon runs. The daemon refuses what it cannot trust,
names the file and leaves it as it is; or it serves, and then nothing is missing: what it cannot read is an error, never an absence.
SQLite has no checksums but in its log: a changed byte inside of a value is served as it is, and counted here."""

import hashlib
import os
import select
import shutil

from load import Ledger, finish, submit
from torture import Note, long, main

DAMAGES = long(300, 6)
PROGRAMS = 26
START_SECONDS = 20


def flip(file, at, size, chance):
    file.seek(at)
    byte = file.read(1)
    file.seek(at)
    file.write(bytes([byte[0] ^ 1 << chance.randrange(8)]))


def zero_sector(file, at, size, chance):
    file.seek(at // 512 * 512)
    file.write(bytes(512))


def fill_page(file, at, size, chance):
    file.seek(at // 4096 * 4096)
    file.write(chance.randbytes(4096))


def cut_off(file, at, size, chance):
    file.truncate(at)


def used(torture):
    """A daemon that has stopped, so that everything is in the database, and what clients were told."""
    daemon, ledger = torture.daemon(slots=2), Ledger()
    daemon.start()
    client = daemon.client()
    for number in [ledger.take_number() for _ in range(PROGRAMS)]:
        submit(client, ledger, number)
    for number in sorted(ledger.acknowledged):
        finish(client, ledger, number)
    daemon.stop()
    return daemon, ledger


def picture(state):
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in state.glob("assay.db*")}


def started(daemon):
    ready = daemon.spawn()
    readable, _, _ = select.select([ready], [], [], START_SECONDS)
    said = os.read(ready, 100) if readable else b""
    os.close(ready)
    return bool(said)


def check_refused(daemon, before, what):
    status, log = daemon.process.wait(START_SECONDS), daemon.log()
    if status != 1 or "cannot start: " not in log or "assay.db" not in log:
        yield f"{what}: it ended with {status}: {log}"
    if picture(daemon.state) != before:
        yield f"{what}: it refuses, and changed {before} to {picture(daemon.state)}"


def look_at_all(daemon, ledger, what):
    """Faults, and how many answers differ from what was told."""
    client, faults, errors, changed = daemon.client(), [], 0, 0
    for number, evaluation in ledger.told.items():
        try:
            answer = client.request("GET", f"/v1/evaluations/{evaluation['id']}")
        except OSError:
            break  # it has stopped, which is looked at below
        if answer.status == 404:
            faults.append(f"{what}: number {number} is not there any more")
        errors += answer.status not in (200, 404)
        changed += answer.status == 200 and answer.json != evaluation
    client.close()
    if daemon.process.poll() is not None and (daemon.process.returncode < 0 or "the store in" not in daemon.log()):
        faults.append(f"{what}: it ended with {daemon.process.returncode}: {daemon.log()}")
    return faults, errors, changed


def a_damaged_database_is_refused_or_nothing_else_is_lost(torture):
    chance, (daemon, ledger) = torture.random, used(torture)
    intact = daemon.directory / "intact"
    shutil.copytree(daemon.state, intact, ignore=shutil.ignore_patterns("socket"))
    refused = read_errors = changed = 0
    try:
        for _ in range(DAMAGES):
            shutil.rmtree(daemon.state)
            shutil.copytree(intact, daemon.state)
            daemon.log_path.unlink(missing_ok=True)
            path = daemon.state / "assay.db"
            size = path.stat().st_size
            damage, at = chance.choice((flip, zero_sector, fill_page, cut_off)), chance.randrange(size)
            what = f"{damage.__name__} at {at} of {size}"
            with open(path, "r+b") as file:
                damage(file, at, size, chance)
            before = picture(daemon.state)
            if not started(daemon):
                refused += 1
                yield from check_refused(daemon, before, what)
                continue
            faults, errors, differ = look_at_all(daemon, ledger, what)
            yield from faults
            read_errors += errors
            changed += differ
            daemon.kill()
    finally:
        daemon.__exit__(None)
    yield from ledger.faults
    yield Note(f"{DAMAGES} times damaged, {refused} times refused, {read_errors} errors when read, {changed} answers changed")


main(a_damaged_database_is_refused_or_nothing_else_is_lost)
