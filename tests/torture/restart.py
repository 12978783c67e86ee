#!/usr/bin/python3
"""A daemon is killed with ten thousand evaluations open, and started again: all are known at once, what runs is adopted, what waits
is launched. How long that takes is printed, in time and in processor time; it is meant to be less than two seconds."""

import os
import sqlite3
import time
from pathlib import Path

from torture import Note, main
from harness.evaluations import parallel

OPEN = 10_000
SLOTS = 2
SECONDS_MEANT = 2


def multiply(state, evaluation_id, count):
    """Makes `count` of the one that waits, in the order of their ids, as if they had been submitted one by one."""
    database = sqlite3.connect(state / "assay.db")
    columns = [name for _, name, *_ in database.execute("PRAGMA table_info(evaluations)") if name not in ("sequence", "id")]
    row = f"FROM evaluations WHERE id = '{evaluation_id}'"
    copies = f"WITH RECURSIVE copy(number) AS (SELECT 1 UNION ALL SELECT number + 1 FROM copy WHERE number < {count})"
    names = ", ".join(columns)
    database.execute(
        f"{copies} INSERT INTO evaluations (id, {names}) SELECT printf('20300101_000000_%08x', number), {names} "
        f"FROM copy, (SELECT {names} {row})"
    )
    plan = f"(SELECT plan FROM plans WHERE sequence = (SELECT sequence {row}))"
    database.execute(f"INSERT INTO plans SELECT sequence, {plan} FROM evaluations WHERE id LIKE '20300101%'")
    database.commit()
    database.close()
    return [f"20300101_000000_{number:08x}" for number in range(1, count + 1)]


def processor_seconds(pid):
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def submit(client, command):
    return client.submit({"command": ["sh", "-c", command], "limits": {"wall_time_ms": 600_000}}).json["id"]


def wait_for(client, evaluation_id, *statuses):
    deadline = time.monotonic() + 120
    while (status := client.get(evaluation_id)["status"]) not in statuses:
        if time.monotonic() > deadline:
            raise AssertionError(f"{evaluation_id} is {status}, and not {statuses}")
        time.sleep(0.01)


def ten_thousand_are_known_and_go_on(torture):
    with torture.daemon(slots=SLOTS, queue=2 * OPEN) as daemon:
        client = daemon.client()
        running = [submit(client, "sleep 300"), submit(client, "sleep 1; echo adopted")]
        for each in running:
            wait_for(client, each, "running")
        waiting = submit(client, "echo $EVAL_ID")
        daemon.kill()
        ids = multiply(daemon.state, waiting, OPEN)

        begun = time.monotonic()
        daemon.start()
        ready = time.monotonic() - begun
        client = daemon.client()
        wait_for(client, running[0], "running")
        wait_for(client, waiting, "running", "completed")
        going_on = time.monotonic() - begun
        processor = processor_seconds(daemon.pid)
        yield Note(f"{OPEN} open: listening after {ready:.2f} s, the next one launched after {going_on:.2f} s, "
                   f"{processor:.2f} s of processor time")

        clients = [daemon.client() for _ in range(4)]
        unknown = sum(parallel(4, lambda part: sum(clients[part].get(each)["verdict"] is not None and
                                                   clients[part].get(each)["status"] != "completed" for each in ids[part::4]), range(4)))
        if unknown:
            yield f"{unknown} of what waited have another verdict than their own"
        if (adopted := client.finished(running[1]))["stdout"]["text"] != "adopted\n":
            yield f"what ran is {adopted}"
        for each in ids[:20]:
            if (evaluation := client.finished(each))["stdout"]["text"] != f"{each}\n":
                yield f"the first that waited is {evaluation}"
        if processor > SECONDS_MEANT:
            yield f"recovering took {processor:.2f} s of processor time"
        client.cancel(running[0])
        if (status := client.finished(running[0])["status"]) != "cancelled":
            yield f"what ran and was cancelled is {status}"
        daemon.kill()


main(ten_thousand_are_known_and_go_on)
