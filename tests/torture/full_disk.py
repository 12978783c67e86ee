#!/usr/bin/python3
"""The state directory is on a disk of 64 MB, which fills up. New work is refused with 507, and /readyz says so; what was accepted
ends, with all its output or with a verdict that says what is missing; and when there is room again, new work is taken."""

import time

from disk import Disk, own_mounts
from load import SIZES, Ledger, finish, submission
from torture import Note, long, main
from harness import tap

DISK_BYTES = 64 << 20
# Prints much, little or nothing once the disk is full.
LATE = "import sys, time; time.sleep(float(sys.argv[2])); sys.stdout.write('x' * int(sys.argv[1])); sys.exit(3)"
LATE_SIZES = (0, 0, 100, 100_000, 900_000)
SLOTS = 3


class Full:
    """The disk without a byte to spare, meanwhile: somebody else has filled it."""

    def __init__(self, disk):
        self.path = disk.path / "somebody-elses"

    def __enter__(self):
        with open(self.path, "wb", buffering=0) as file:
            for size in (1 << 20, 4096, 1):
                try:
                    while file.write(b"\0" * size) == size:
                        pass
                except OSError:
                    pass
        return self

    def __exit__(self, *_):
        self.path.unlink(missing_ok=True)


def late(size, seconds):
    return {"runtime": "python", "code": LATE, "args": [str(size), str(seconds)], "limits": {"output_bytes": 1 << 20}}


def check_late(client, size, evaluation):
    """Every byte, or lost and said why."""
    verdict, stream = evaluation["verdict"], evaluation["stdout"]
    raw = client.raw(evaluation["id"], "stdout")
    if raw.strip(b"x") or len(raw) != stream["bytes"] - stream["omitted_bytes"]:
        yield f"{stream['bytes']} bytes less {stream['omitted_bytes']} omitted are not the {len(raw)} that are kept"
    if (verdict["kind"], verdict["exit_code"]) == ("failed", 3):
        if len(raw) != size:
            yield f"it printed {size} bytes and exited with 3, and {len(raw)} bytes are kept: {verdict}"
    elif verdict["kind"] != "lost" or verdict["fault"] != "platform":
        yield f"it exits with 3, and the verdict is {verdict}"
    elif size == 0:
        yield f"it printed nothing, so that nothing could not be saved, and it is {verdict}"
    elif "No space left" not in verdict["reason"]:
        yield f"it is lost, and the reason does not say that the disk is full: {verdict}"


def status(client, path="/readyz"):
    return client.request("GET", path).status


def wait_for_ready(client):
    deadline = time.monotonic() + 30
    while status(client) != 200 and time.monotonic() < deadline:
        time.sleep(0.05)
    return [] if status(client) == 200 else ["there is room again, and new work is not taken"]


def take_until_refused(client, ledger):
    """Submits programs with 900,000 bytes of output each. Returns the refusal."""
    while True:
        number = ledger.take_number() * len(SIZES) - 3
        answer = client.submit(submission(number), **{"Idempotency-Key": f"key-{number}"})
        if answer.status != 202:
            return answer
        ledger.acknowledge(number, answer.json["id"])


def filled_by_its_own_work_it_refuses_more_and_finishes_what_it_took(torture):
    ledger = Ledger()
    daemon = torture.daemon(slots=SLOTS)
    with Disk(daemon.state, DISK_BYTES) as disk, daemon:
        client = daemon.client()
        while (refusal := take_until_refused(client, ledger)).status == 507 and ledger.open():
            for number in sorted(ledger.open()):
                finish(client, ledger, number)
        if refusal.status != 507 or status(client) != 507:
            yield f"with {disk.free_bytes()} bytes free, /readyz says {status(client)}, and to a submission {refusal}"
        yield from ledger.faults
        lost = {evaluation["verdict"]["reason"] for evaluation in ledger.told.values() if evaluation["status"] == "lost"}
        yield from (f"some that it took are lost: {reason}" for reason in lost)
        yield Note(f"{len(ledger.told)} finished, {disk.free_bytes() >> 10} KiB free")


def filled_by_somebody_else_it_finishes_what_runs_from_its_reserve(torture):
    daemon = torture.daemon(slots=len(LATE_SIZES))
    with Disk(daemon.state, DISK_BYTES) as disk, daemon:
        for _ in range(long(10, 2)):
            client = daemon.client()
            yield from wait_for_ready(client)
            ids = {client.submit(late(size, 3)).json["id"]: size for size in LATE_SIZES}
            for evaluation_id in ids:
                while client.get(evaluation_id)["status"] in ("queued", "starting"):
                    time.sleep(0.01)
            with Full(disk):
                if (said := status(client)) != 507 or (answer := client.submit(late(0, 0))).status != 507:
                    yield f"the disk is full, and /readyz says {said}, and to a submission {answer}"
                evaluations = [client.finished(evaluation_id) for evaluation_id in ids]
                for size, evaluation in zip(ids.values(), evaluations):
                    yield from check_late(client, size, evaluation)
                kinds = [evaluation["status"] for evaluation in evaluations]
            yield from wait_for_ready(client)
        yield Note(f"the last were {kinds}")


def killed_and_started_again_on_a_full_disk_it_finishes_what_ran(torture):
    daemon = torture.daemon(slots=2)
    with Disk(daemon.state, DISK_BYTES) as disk, daemon:
        for _ in range(long(10, 1)):
            client = daemon.client()
            ids = {client.submit(late(size, 0.5)).json["id"]: size for size in (0, 0, 100, 0)}
            while client.get(next(iter(ids)))["status"] in ("queued", "starting"):
                time.sleep(0.01)
            with Full(disk):
                daemon.kill()
                daemon.start()
                client = daemon.client()
                first = next(iter(ids))
                yield from check_late(client, ids[first], client.finished(first))
            client = daemon.client()
            for evaluation_id, size in ids.items():  # those that waited are started when there is room
                yield from check_late(client, size, client.finished(evaluation_id))
            yield from wait_for_ready(client)


def main_with_disk():
    if reason := own_mounts():
        tap.skip_all(reason)
    main(
        filled_by_its_own_work_it_refuses_more_and_finishes_what_it_took,
        filled_by_somebody_else_it_finishes_what_runs_from_its_reserve,
        killed_and_started_again_on_a_full_disk_it_finishes_what_ran,
    )


main_with_disk()
