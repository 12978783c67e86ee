#!/usr/bin/python3
"""The state directory belongs to one daemon, and a database that it cannot trust is refused and left as it is."""

import hashlib
import os
import select
import sqlite3

from scenario import main


def refused(daemon, *words):
    """Starts the daemon, which must end by itself with a message that has these words in it."""
    ready = daemon.spawn()
    readable, _, _ = select.select([ready], [], [], 20)
    said = os.read(ready, 100) if readable else b"nothing"
    os.close(ready)
    if said:
        daemon.kill()
        return [f"it started all the same, and said {said!r}"]
    if (status := daemon.process.wait(20)) == 0:
        return ["it ended with status 0"]
    log = daemon.log()
    faults = [f"its message does not say {word!r}: {log}" for word in words if word not in log]
    return faults + ([f"it ended by signal {-status}: {log}"] if status < 0 else [])


def picture(state):
    """All files of the directory that hold data, by name and content."""
    return {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(state.iterdir())
        if path.is_file() and path.name.startswith("assay.db")
    }


def used_once(scenario):
    """A state directory as a daemon leaves it, with one evaluation in it, and the daemon stopped."""
    daemon = scenario.daemon(slots=1)
    daemon.start()
    evaluation = daemon.client().submit({"runtime": "sh", "code": "echo kept"}, wait=20).json
    daemon.stop()
    return daemon, evaluation["id"]


def a_second_daemon_is_refused_and_the_first_does_not_notice(scenario):
    with scenario.daemon(slots=1) as first:
        second = scenario.daemon(slots=1)
        second.command = [word.replace(str(second.state), str(first.state)) for word in second.command]
        yield from refused(second, str(first.state))
        evaluation = first.client().submit({"runtime": "sh", "code": "echo fine"}, wait=20).json
        if evaluation["status"] != "completed":
            yield f"a program of the first is {evaluation['status']}"
        second.__exit__(None)


def refused_and_left_as_it_is(scenario, damage, *words):
    daemon, _ = used_once(scenario)
    try:
        damage(daemon.state)
        before = picture(daemon.state)
        yield from refused(daemon, *words)
        if picture(daemon.state) != before:
            yield f"the files were {before}, and are {picture(daemon.state)}"
    finally:
        daemon.__exit__(None)


def a_database_of_a_newer_version_is_refused_and_left_as_it_is(scenario):
    def damage(state):
        database = sqlite3.connect(state / "assay.db")
        database.execute("PRAGMA user_version = 9999")
        database.commit()
        database.close()

    return refused_and_left_as_it_is(scenario, damage, "newer")


def a_database_that_is_none_is_refused_and_left_as_it_is(scenario):
    def damage(state):
        (state / "assay.db").write_bytes(b"this is no database\n" * 1000)

    return refused_and_left_as_it_is(scenario, damage, "assay.db")


def a_database_with_damaged_pages_is_refused_and_left_as_it_is(scenario):
    def damage(state):
        with open(state / "assay.db", "r+b") as file:
            size = file.seek(0, os.SEEK_END)
            for offset in range(4096, size, 4096):
                file.seek(offset)
                file.write(b"\xff" * 512)

    return refused_and_left_as_it_is(scenario, damage, "assay.db")


def a_truncated_database_is_refused_and_left_as_it_is(scenario):
    def damage(state):
        os.truncate(state / "assay.db", 5000)

    return refused_and_left_as_it_is(scenario, damage, "assay.db")


def what_was_finished_is_there_after_a_restart(scenario):
    daemon, evaluation_id = used_once(scenario)
    with daemon:
        evaluation = daemon.client().get(evaluation_id)
        if (evaluation["status"], evaluation["stdout"]["text"]) != ("completed", "kept\n"):
            yield f"it is {evaluation}"


def a_state_directory_is_closed_to_others(scenario):
    daemon, _ = used_once(scenario)
    for path in (daemon.state, daemon.state / "assay.db"):
        if (mode := path.stat().st_mode & 0o077) != 0:
            yield f"{path} is open to others: {mode:o}"
    daemon.__exit__(None)


main(
    a_second_daemon_is_refused_and_the_first_does_not_notice,
    a_database_of_a_newer_version_is_refused_and_left_as_it_is,
    a_database_that_is_none_is_refused_and_left_as_it_is,
    a_database_with_damaged_pages_is_refused_and_left_as_it_is,
    a_truncated_database_is_refused_and_left_as_it_is,
    what_was_finished_is_there_after_a_restart,
    a_state_directory_is_closed_to_others,
)
