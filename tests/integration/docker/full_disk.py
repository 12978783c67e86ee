#!/usr/bin/python3
"""Docker's data root is a loop device of 64 MB that runs full. Nothing is lost in silence: what is said to be completed has all
its output, and what could not be run or kept is lost, by the platform's fault, and says so."""

import os
import subprocess
import tempfile
import time

from scenario import EVIDENCE, Note, check_counted, check_once, finish_all, left_by_daemon, main, verdicts, wait_until
from harness import docker, tap

DEVICE_BYTES = 64 << 20
LINES = 200


def main_with_loop_device():
    if reason := docker.why_not() or no_loop_device():
        tap.skip_all(reason)
    with tempfile.NamedTemporaryFile(prefix="assay-disk-") as device:
        os.truncate(device.name, DEVICE_BYTES)
        subprocess.run(["mkfs.ext4", "-q", "-m", "0", device.name], check=True, env=os.environ | {"PATH": os.environ["PATH"] + ":/sbin"})
        main(
            *((rule, evidence) for evidence in EVIDENCE for rule in (
                full_before_they_start, filled_while_they_run, filled_by_what_they_print, room_again,
            )),
            images=[docker.SMALL_IMAGE], mounts=[f"-o loop {device.name} {{directory}}/data"],
        )


def no_loop_device():
    found = subprocess.run(["losetup", "--find"], capture_output=True, text=True)
    return f"no loop device: {found.stderr.strip()}" if found.returncode else None


class Filled:
    """The engine's data root without a byte to spare, meanwhile."""

    def __init__(self, engine):
        self.path = engine.inside(f"{engine.directory}/data/filling")

    def __enter__(self):
        try:
            with open(self.path, "wb", buffering=0) as filling:
                for size in (1 << 20, 4096, 1):
                    self._fill(filling, b"\0" * size)
        except OSError:
            pass
        return self

    def _fill(self, filling, data):
        try:
            while filling.write(data) == len(data):
                pass
        except OSError:
            pass
        os.fsync(filling.fileno())

    def __exit__(self, *_):
        self.path.unlink()


def printer(seconds):
    """As counter(), for an image without Python."""
    code = f'number=0\nwhile [ $number -lt {LINES} ]; do echo $number 0; number=$((number + 1)); sleep {seconds}; done\nexit 7\n'
    return {"runtime": "sh", "code": code, "limits": {"wall_time_ms": 20_000}}


def check(evaluations):
    for evaluation in evaluations:
        verdict = evaluation["verdict"]
        yield from check_once(evaluation)
        if (verdict["kind"], verdict["exit_code"]) == ("failed", 7):
            yield from check_counted(evaluation, lines=LINES)
        elif verdict["kind"] == "lost":
            yield from check_counted(evaluation)
        else:
            yield f"{verdict}"
    yield Note(f"{verdicts(evaluations)} {({evaluation['verdict']['reason'] for evaluation in evaluations})}")


def full_before_they_start(scenario, evidence):
    with scenario.daemon(slots=4, evidence=evidence, image=docker.SMALL_IMAGE) as daemon:
        with Filled(scenario.engine):
            client = daemon.client()
            ids = [client.submit(printer(0)).json["id"] for _ in range(4)]
            yield from check(finish_all(daemon, ids))
        yield from left_by_daemon(daemon)


def filled_while_they_run(scenario, evidence):
    with scenario.daemon(slots=4, evidence=evidence, image=docker.SMALL_IMAGE) as daemon:
        client = daemon.client()
        ids = [client.submit(printer(0.02)).json["id"] for _ in range(4)]
        wait_until("all run", lambda: all(client.get(each)["status"] == "running" for each in ids))
        with Filled(scenario.engine):
            yield from check(finish_all(daemon, ids))
        yield from left_by_daemon(daemon)


def filled_by_what_they_print(scenario, evidence):
    """In a volume the evidence itself fills the device; in a directory of this host it does not."""
    flood = {"command": ["sh", "-c", "yes | head -c 40000000"], "limits": {"output_bytes": 30_000_000, "wall_time_ms": 20_000}}
    with scenario.daemon(slots=3, evidence=evidence, image=docker.SMALL_IMAGE) as daemon:
        client = daemon.client()
        ids = [client.submit(flood).json["id"] for _ in range(3)]
        evaluations = finish_all(daemon, ids)
        for evaluation in evaluations:
            stream, kept = evaluation["stdout"], client.raw(evaluation["id"], "stdout")
            if stream["bytes"] - stream["omitted_bytes"] != len(kept) or kept.strip(b"y\n"):
                yield f"{stream['bytes']} bytes less {stream['omitted_bytes']} omitted are not the {len(kept)} that are kept"
            if evaluation["verdict"]["kind"] == "completed" and (stream["bytes"], len(kept)) != (40_000_000, 30_000_000):
                yield f"completed, with {len(kept)} of {stream['bytes']} bytes"
            if evaluation["verdict"]["kind"] not in ("completed", "lost"):
                yield f"{evaluation['verdict']}"
        kinds = verdicts(evaluations)
        yield Note(f"{kinds} {({evaluation['verdict']['reason'] for evaluation in evaluations})}")
        if evidence == "bind" and kinds != {"completed": 3}:
            yield f"Docker's disk has nothing to do with the evidence, and the verdicts are {kinds}"
        yield from left_by_daemon(daemon)


def room_again(scenario, evidence):
    with scenario.daemon(slots=2, evidence=evidence, image=docker.SMALL_IMAGE) as daemon:
        client = daemon.client()
        with Filled(scenario.engine):
            ids = [client.submit(printer(0)).json["id"]]
            time.sleep(3)
        ids.append(client.submit(printer(0)).json["id"])
        evaluations = finish_all(daemon, ids)
        yield from check(evaluations)
        if evaluations[1]["status"] != "failed":
            yield f"with room again it is {evaluations[1]['verdict']}"
        yield from left_by_daemon(daemon)


main_with_loop_device()
