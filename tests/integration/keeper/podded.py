"""Drives assay-keeper as the first process of a pod's container, one for each attempt (wire/pod.h): as an ordinary user, with
nothing of the host's but a log and a termination message. What comes out is decoded here again, from what wire/frames.h says.
"""

import base64
import binascii
import hashlib
import hmac
import os
import secrets
import subprocess
from pathlib import Path

from contained import CONTAINER_MEMORY_BYTES, NO_SEARCH, Contained, is_sanitized, limits_of
from container import Container, Pod
from keeper_driver import LIMITS, REFUSED, STARTED, Cgroups, Record, features_of, new_name
from rules import same

UID_LEAST = 1 << 20  # wire/pod.h
LINE_MAX = 16383
MESSAGE_BYTES_MAX = 4096
OUTPUTS_HELD = 3
PLAN_PART = 100000


def frames_of(log, key):
    """[(kind, position, bytes)] of a log's whole lines, numbered without a gap, the record opened. Others are the keeper's words."""
    frames = []
    for line in lines_of(log):
        assert len(line) <= LINE_MAX, len(line)
        _, number, at, kind, position, data, digest = line.split(b" ")
        assert len(digest) == 16 and int(at) > 0 and int(number) == len(frames), line[:100]
        data = base64.b64decode(data, validate=True)
        frames.append((kind.decode(), int(position), open_sealed(data, key) if kind == b"record" else data))
    return frames


def lines_of(log):
    """Those that are frames."""
    return [line for line in log.split(b"\n")[:-1] if line.startswith(b"assay1 ")]


def open_sealed(text, key):
    """The text of a record that was sealed with this key."""
    title, data, tag = text.rstrip(b"\n").split(b" ")
    data = base64.b64decode(data, validate=True)
    same(title, b"assay-record")
    same(binascii.b2a_base64(hmac.digest(key, data, hashlib.sha256), newline=False), tag)
    return data


class Podded(Contained):
    bounding_set = Contained.bounding_set  # what there is in it, nobody has the right to

    def __init__(self, binary, cgroups=True):  # pylint: disable=super-init-not-called
        self.binary = binary
        self.is_cramped = is_sanitized(binary)
        self._make_directories()
        self.cgroups = Cgroups() if cgroups else None
        self.containers, self.keys = {}, {}
        self.features = features_of(self.run(["/bin/true"]).isolation)

    def prepare(self, the_plan, name=None):
        """The pod's directory, as the init container makes it of the parts that a Secret has."""
        name = name or new_name()
        place = Path(self.directory, name)
        self.keys[name] = secrets.token_bytes(32)
        (place / "secret").mkdir(parents=True)
        (place / "assay").mkdir()
        (self.attempt(name)).mkdir()
        (place / "secret/key").write_bytes(self.keys[name])
        (place / "secret/granted").write_text("yes")
        for number, offset in enumerate(range(0, max(len(the_plan), 1), PLAN_PART)):
            (place / f"secret/plan.{number}").write_bytes(the_plan[offset:offset + PLAN_PART])
        for file in ("log", "termination"):
            (place / file).touch()
        os.chmod(place / "termination", 0o666)
        subprocess.run([self.binary, "--install", place / "assay", "--from", place / "secret"], check=True)
        return name

    def launch(self, name, environment=(), faults=(), processor_percent=None, log=None, uid=None, **other_limits):
        place = Path(self.directory, name)
        plan_file = place / "assay/plan"
        limits = {**limits_of(plan_file.read_bytes() if plan_file.exists() else b""), **other_limits}
        memory = limits["memory_bytes"] + CONTAINER_MEMORY_BYTES + OUTPUTS_HELD * limits["output_bytes"]
        leaves = self.cgroups.make_leaf(memory, LIMITS["processes"] * 1000, processor_percent) if self.cgroups else []
        uid = uid or UID_LEAST + secrets.randbelow(1 << 29)
        log = os.open(place / "log", os.O_WRONLY | os.O_CLOEXEC) if log is None else log
        try:
            return Container(["/assay/keeper", "--pod", "/assay", "--name", name], dict(environment or NO_SEARCH), leaves, faults,
                             root=Path(self.root), disk_bytes=limits["disk_bytes"],
                             pod=Pod(uid, place / "assay", place / "termination", log))
        finally:
            os.close(log)

    def start(self, the_plan, name=None, **container):
        name = self.prepare(the_plan, name)
        container = self.containers[name] = self.launch(name, **container)
        self.await_condition(lambda: container.poll() is not None or self.absorb(name))
        type_ = STARTED if self.absorb(name) else REFUSED
        text = "".join(data.decode() for kind, _, data in self.frames(name) if kind == "failure")
        return name, {"type": type_, "text": text}

    def log(self, name):
        return Path(self.directory, name, "log").read_bytes()

    def message(self, name):
        return Path(self.directory, name, "termination").read_bytes()

    def frames(self, name):
        return frames_of(self.log(name), self.keys[name])

    def _check_message(self, name):
        """The log, where it is short enough, and else its record."""
        told = b"".join(line + b"\n" for line in lines_of(self.log(name)))
        if len(told) <= MESSAGE_BYTES_MAX:
            same(self.message(name), told)
        else:
            same(open_sealed(self.message(name), self.keys[name]), (self.attempt(name) / "exit").read_bytes())

    def absorb(self, name):
        """Makes the evidence's files of what is in the log. Returns whether there is anything of a start."""
        files = {}
        for kind, position, data in self.frames(name):
            file = files.setdefault("exit" if kind == "record" else kind, bytearray())
            same(len(file), position)
            file += data
        for kind, data in files.items():
            (self.attempt(name) / kind).write_bytes(data)
        return "start" in files

    def await_output(self, name, stream, data, seconds=10):
        self.await_condition(lambda: self.absorb(name) and data in Record.read(self.attempt(name) / stream), seconds)

    def finish(self, name, seconds=60):
        status = self.containers.pop(name).wait(seconds)
        assert status == 0, f"the keeper ended with {status}: {self.log(name)[-1000:]}"
        self.absorb(name)
        self._check_message(name)
        return Record(self.attempt(name))

