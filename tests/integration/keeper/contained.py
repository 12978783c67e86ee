"""Drives assay-keeper as the first process of a container, one for each attempt (wire/container.h)."""

import os
import shutil
import socket
import struct
import tempfile

from container import CAPABILITIES, Container
from keeper_driver import (
    KILL, KILL_REASONS, KNOWN, LIMITS, REFUSED, STARTED, Cgroups, Programs, Record, features_of, new_name, pack, plan)
from pathlib import Path

CONTAINER_MEMORY_BYTES, CONTAINER_PROCESSES, NOT_STARTED = 8 << 20, 2, 125  # wire/container.h
FIRST_LIMIT = 17
# A search for leaks at the end of a sanitized keeper takes memory of its container, and there may be none left.
NO_SEARCH = {"ASAN_OPTIONS": "detect_leaks=0"}


def limits_of(the_plan):
    """Of a plan's bytes (wire/plan.h); the usual ones where they are nonsense."""
    limits, names = dict(LIMITS), list(LIMITS)
    offset = len(b"assayp1\n")
    while offset + 6 <= len(the_plan):
        key, size = struct.unpack_from("<HI", the_plan, offset)
        if 0 <= key - FIRST_LIMIT < len(names) and size == 8 and offset + 14 <= len(the_plan):
            limits[names[key - FIRST_LIMIT]] = struct.unpack_from("<Q", the_plan, offset + 6)[0]
        offset += 6 + size
    return limits


def is_sanitized(binary):
    """Then it takes far more memory of its container than is meant for it."""
    return b"__asan_init" in Path(binary).read_bytes()


class Contained(Programs):
    bounding_set = f"{sum(1 << number for number in CAPABILITIES):016x}"
    own_processes = ["1", "2"]

    def __init__(self, binary, cgroups=True, owner=0):
        self.binary, self.owner = binary, owner
        self.is_cramped = is_sanitized(binary)
        self._make_directories()
        self.cgroups = Cgroups() if cgroups else None
        self.containers = {}
        self.features = features_of(self.run(["/bin/true"]).isolation)

    def _make_directories(self):
        self.directory = tempfile.mkdtemp(prefix="assay-keeper-")
        self.evidence, self.root = f"{self.directory}/evidence", f"{self.directory}/root"
        os.chmod(self.directory, 0o711)
        os.mkdir(self.evidence)
        os.mkdir(self.root)

    def attempt(self, name):
        return Path(self.evidence, name)

    def prepare(self, the_plan, name=None):
        """The attempt's directory, as the daemon makes it."""
        name = name or new_name()
        self.attempt(name).mkdir(mode=0o700, exist_ok=True)
        (self.attempt(name) / "plan").write_bytes(the_plan)
        for path in (self.attempt(name), self.attempt(name) / "plan"):
            os.chown(path, self.owner, self.owner)
        return name

    def launch(self, name, environment=(), faults=(), processor_percent=None, **other_limits):
        """A container for an attempt whose directory is there."""
        plan_file = self.attempt(name) / "plan"
        limits = {**limits_of(plan_file.read_bytes() if plan_file.exists() else b""), **other_limits}
        leaves = self.cgroups.make_leaf(limits["memory_bytes"] + CONTAINER_MEMORY_BYTES,
                                        limits["processes"] + CONTAINER_PROCESSES, processor_percent) if self.cgroups else []
        command = ["/assay/keeper", "--container", "/assay/attempt", "--name", name]
        return Container(command, dict(environment or NO_SEARCH), leaves, faults, root=Path(self.root), keeper=self.binary,
                         attempt=self.attempt(name), disk_bytes=limits["disk_bytes"])

    def start(self, the_plan, name=None, **container):
        name = self.prepare(the_plan, name)
        known = self.has(name, "start")
        container = self.containers[name] = self.launch(name, **container)
        self.await_condition(lambda: container.poll() is not None or self.has(name, "start"))
        type_ = KNOWN if known else STARTED if self.has(name, "start") else REFUSED
        failure = self.attempt(name) / "failure"
        return name, {"type": type_, "text": failure.read_text() if failure.exists() else ""}

    def has(self, name, file):
        return (self.attempt(name) / file).exists()

    def connect(self, name):
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        connection.settimeout(10)
        connection.connect(str(self.attempt(name) / "control"))
        return connection

    def pid(self, name):
        """Of the keeper that runs this attempt."""
        return self.containers[name].pid

    def kill(self, name, reason):
        with self.connect(name) as connection:
            connection.send(pack(KILL, name, KILL_REASONS.index(reason)))

    def finish(self, name, seconds=60):
        status = self.containers.pop(name).wait(seconds)
        assert status == 0, f"the keeper ended with {status}"
        return Record(self.attempt(name))

    def names(self):
        """Of attempts that were started."""
        return [name for name in os.listdir(self.evidence) if self.has(name, "start")]

    def abort(self):
        for container in self.containers.values():
            container.kill()
        self.close()

    def close(self):
        """0 where no container is left that ought to have ended."""
        running = sum(container.poll() is None for container in self.containers.values())
        if self.cgroups:
            self.cgroups.remove()
        shutil.rmtree(self.directory, ignore_errors=True)
        return running
