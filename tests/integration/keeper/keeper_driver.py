"""Drives a real assay-keeper as the daemon does: starts it, speaks wire/control.h with it, reads the evidence. Here as the
keeper of a slot; contained.py does it with one in a container.

Everything happens in a temporary directory, and in cgroups of this test's own where the host lets it make any.
"""

import array
import os
import re
import secrets
import shutil
import socket
import struct
import subprocess
import tempfile
import time

MESSAGE = struct.Struct("<IIII48s256s")
MAGIC = 0x41535931
RUN, KILL, REMOVE, QUIT, HELLO, STARTED, ENDED, IDLE, REFUSED, KNOWN = range(1, 11)
NAMES = dict(enumerate("run kill remove quit hello started ended idle refused known".split(), 1))
KILL_REASONS = "none wall_time cpu_time memory output cancelled deadline".split()
LIMITS = {
    "wall_time_ms": 5000,
    "cpu_time_ms": 5000,
    "memory_bytes": 256 << 20,
    "processes": 64,
    "output_bytes": 1 << 20,
    "disk_bytes": 16 << 20,
    "file_bytes": 16 << 20,
}
FEATURES = "namespaces network root uid capabilities seccomp landlock memory processes cpu disk kill user_namespace".split()
CGROUP_ROOT = "/sys/fs/cgroup"


def field(key, data):
    return struct.pack("<HI", key, len(data)) + data


def text_field(key, text):
    return field(key, (text if isinstance(text, bytes) else os.fsencode(text)) + b"\0")


def plan(command, files=(), stdin=b"", env=(), compile=None, kill_on_output=False, root=None, **limits):
    """The bytes of a plan (wire/plan.h). A file is (path, content) or (path, content, executable)."""
    out = b"assayp1\n"
    for argument in compile or ():
        out += text_field(1, argument)
    for argument in command:
        out += text_field(2, argument)
    for variable in env:
        out += text_field(3, variable)
    for path, content, *executable in files:
        content = content if isinstance(content, bytes) else content.encode()
        out += text_field(4, path) + field(5, struct.pack("<Q", bool(executable and executable[0]))) + field(6, content)
    out += field(7, stdin) + field(8, struct.pack("<Q", kill_on_output))
    if root:
        out += text_field(9, root)
    for index, (name, standard) in enumerate(LIMITS.items(), 17):
        out += field(index, struct.pack("<Q", limits.pop(name, standard)))
    assert not limits, f"no such limit: {limits}"
    return out


def pack(type_, name="", value=0):
    """A packet of wire/control.h."""
    return MESSAGE.pack(MAGIC, type_, value, 0, name.encode(), b"")


def new_name(attempt=1):
    return f"assay-20261122_195800_{secrets.token_hex(4)}-{attempt}"


def features_of(bits):
    return {name for bit, name in enumerate(FEATURES) if bits >> bit & 1}


class Record:
    """The exit record, and what was kept of the output."""

    def __init__(self, directory):
        self.directory = directory
        self.fields = {}
        with open(f"{directory}/exit", encoding="utf-8") as lines:
            for line in lines:
                key, _, value = line.rstrip("\n").partition(" ")
                self.fields[key] = int(value) if re.fullmatch(r"-?\d+", value) else value

    def __getattr__(self, key):
        return self.fields[key]

    def __repr__(self):
        shown = {k: v for k, v in self.fields.items() if v not in (0, "") and "digest" not in k}
        return f"{shown} stdout={self.output('stdout')[-300:]!r} stderr={self.output('stderr')[-600:]!r}"

    @staticmethod
    def read(path):
        if not os.path.exists(path):
            return b""
        with open(path, "rb") as file:
            return file.read()

    def output(self, stream):
        return self.read(f"{self.directory}/{stream}")

    @property
    def ending(self):
        """("code", 3), ("signal", 11) or ("not_started", 2)."""
        return self.kind, self.fields[{"code": "exit_code", "signal": "signal", "not_started": "exec_errno"}[self.kind]]

    def merged(self):
        """stdout and stderr in the order written; [(stream, bytes)]."""
        order = self.output("order")
        if not order:
            return [(s, self.output(s)) for s in ("stdout", "stderr") if self.output(s)]
        rest = {s: self.output(s) for s in ("stdout", "stderr")}
        merged = []
        for offset in range(0, len(order), 5):
            stream, length = struct.unpack_from("<BI", order, offset)
            name = ("stdout", "stderr")[stream]
            merged.append((name, rest[name][:length]))
            rest[name] = rest[name][length:]
        assert not any(rest.values()), f"bytes that the order does not cover: {rest}"
        return merged


class Cgroups:
    """Directories for this test's leaves in whatever hierarchies this host has and lets us use."""

    def __init__(self):
        self.paths, self.options, self.made, self.quotas = [], [], 0, False
        base = f"assay-test-{os.getpid()}"
        unified = self._mount("cgroup2")
        if unified and self._make(f"{unified}/{base}"):
            self.options += ["--cgroup-v2", f"{unified}/{base}"]
            for controller in ("memory", "pids"):
                if self._delegate(unified, base, controller):
                    self.options += [f"--v2-{controller}"]
            self.quotas = self._delegate(unified, base, "cpu")
        for controller in ("memory", "pids"):
            hierarchy = self._mount("cgroup", controller)
            if hierarchy and self._make(f"{hierarchy}/{base}"):
                self.options += [f"--cgroup-{controller}", f"{hierarchy}/{base}"]
        hierarchy = self._mount("cgroup", "cpu")
        self.quotas |= bool(hierarchy) and self._make(f"{hierarchy}/{base}")

    @staticmethod
    def _mount(kind, controller=None):
        with open("/proc/mounts", encoding="utf-8") as mounts:
            for line in mounts:
                _, path, type_, options, *_ = line.split()
                if type_ == kind and (controller is None or controller in options.split(",")):
                    return path
        return None

    def _make(self, path):
        try:
            os.mkdir(path)
        except OSError:
            return False
        self.paths.append(path)
        return True

    @staticmethod
    def _delegate(unified, base, controller):
        try:
            for directory in (unified, f"{unified}/{base}"):
                with open(f"{directory}/cgroup.subtree_control", "w", encoding="utf-8") as control:
                    control.write(f"+{controller}")
        except OSError:
            return False
        return True

    def make_leaf(self, memory_bytes, processes, processor_percent=None):
        """For what is no slot: one limited cgroup in every hierarchy, as a list of their directories."""
        limits = {"memory.max": memory_bytes, "memory.swap.max": 0, "memory.limit_in_bytes": memory_bytes,
                  "memory.memsw.limit_in_bytes": memory_bytes, "pids.max": processes}
        if processor_percent:
            limits |= {"cpu.max": f"{processor_percent * 1000} 100000", "cpu.cfs_quota_us": processor_percent * 1000}
        self.made += 1
        leaves = [f"{path}/test.{self.made}" for path in self.paths]
        for leaf in leaves:
            os.mkdir(leaf)
            for file in filter(lambda file: os.path.exists(f"{leaf}/{file}"), limits):
                with open(f"{leaf}/{file}", "w", encoding="ascii") as limit:
                    limit.write(str(limits[file]))
        return leaves

    def leaves(self):
        return [f"{path}/{leaf}" for path in self.paths for leaf in os.listdir(path)
                if os.path.isdir(f"{path}/{leaf}")]

    def remove(self):
        for path in self.leaves() + self.paths:
            try:
                os.rmdir(path)
            except OSError:
                pass


class Programs:
    """What a rule asks of a keeper, however it is driven: `start`, `finish` and `evidence` are the driver's."""

    is_cramped = False  # it shares its programs' memory, and is larger than the keeper that is shipped

    def run(self, command, *args, **options):
        name, answer = self.start(plan(command, *args, **options))
        assert answer["type"] == STARTED, answer
        return self.finish(name)

    def python(self, code, **options):
        return self.run(["/usr/bin/python3", "-c", code], **options)

    def shell(self, code, **options):
        return self.run(["/bin/sh", "-c", code], **options)

    def await_output(self, name, stream, data, seconds=10):
        self.await_condition(lambda: data in Record.read(f"{self.evidence}/{name}/{stream}"), seconds)

    def await_bytes(self, name, file, size, seconds=10):
        self.await_condition(lambda: len(Record.read(f"{self.evidence}/{name}/{file}")) >= size, seconds)

    @staticmethod
    def await_condition(condition, seconds=10):
        end = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < end, "it did not happen in time"
            time.sleep(0.005)


class Keeper(Programs):
    bounding_set = "0" * 16  # of capabilities
    own_processes = ["1"]  # as a program sees them in /proc

    def __init__(self, binary, cgroups=True, roots=(), connect=True):
        self.directory = tempfile.mkdtemp(prefix="assay-keeper-")
        os.chmod(self.directory, 0o700)
        self.slot, self.evidence = f"{self.directory}/slot", f"{self.directory}/evidence"
        os.mkdir(self.slot)
        os.mkdir(self.evidence)
        self.cgroups = Cgroups() if cgroups else None
        command = [binary, "--slot", self.slot, "--evidence", self.evidence, "--uid-base", "700000"]
        command += self.cgroups.options if self.cgroups else []
        for root in roots:
            command += ["--root-allow", root]
        self.command = command
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL)
        self.connection = None
        self.pidfd = None
        if connect:
            self.connect()

    def connect(self, seconds=10):
        if self.connection:
            self.connection.close()
        self.connection = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.connection.settimeout(30)
        end = time.monotonic() + seconds
        while True:
            try:
                self.connection.connect(f"{self.slot}/socket")
                break
            except OSError:
                if time.monotonic() > end or self.process.poll() is not None:
                    raise
                time.sleep(0.005)
        self.hello = self.receive(HELLO)
        return self.hello

    @property
    def features(self):
        return features_of(self.hello["value"])

    def send(self, type_, name="", value=0, fd=None):
        packet = pack(type_, name, value)
        ancillary = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [fd]))] if fd is not None else []
        self.connection.sendmsg([packet], ancillary)

    def receive(self, *expected):
        packet, ancillary, *_ = self.connection.recvmsg(MESSAGE.size, socket.CMSG_SPACE(4))
        if not packet:
            raise EOFError("the keeper closed the connection")
        _, type_, value, code, name, text = MESSAGE.unpack(packet)
        message = {"type": type_, "value": value, "code": code, "name": name.rstrip(b"\0").decode(),
                   "text": text.partition(b"\0")[0].decode(), "fd": None}
        for _, _, data in ancillary:
            message["fd"] = struct.unpack("i", data[:4])[0]
        assert not expected or type_ in expected, f"a {NAMES[type_]} instead: {message}"
        return message

    def start(self, the_plan, name=None):
        """Sends RUN; the first answer is returned with the name."""
        name = name or new_name()
        memory = os.memfd_create("plan")
        try:
            os.write(memory, the_plan) if len(the_plan) < 1 << 20 else self._write_all(memory, the_plan)
            self.send(RUN, name, fd=memory)
        finally:
            os.close(memory)
        answer = self.receive(STARTED, REFUSED, KNOWN)
        if answer["fd"] is not None:
            os.close(answer["fd"])
        return name, answer

    @staticmethod
    def _write_all(fd, data):
        view = memoryview(data)
        while view:
            view = view[os.write(fd, view):]

    def pid(self, _name):
        """Of the keeper that runs this attempt."""
        return self.process.pid

    def kill(self, name, reason):
        self.send(KILL, name, KILL_REASONS.index(reason))

    def finish(self, name):
        """Waits for ENDED and IDLE of what was started."""
        ended = self.receive(ENDED)
        assert ended["name"] == name
        record = Record(f"{self.evidence}/{name}")
        self.receive(IDLE)
        return record

    def remove(self, name, seconds=5):
        self.send(REMOVE, name)
        end = time.monotonic() + seconds
        while os.path.exists(f"{self.evidence}/{name}"):
            assert time.monotonic() < end, "the evidence was not removed"
            time.sleep(0.002)

    def names(self):
        return sorted(os.listdir(self.evidence))

    def abort(self):
        self.process.kill()
        self.close()

    def close(self, seconds=15):
        """Hangs up, and expects the keeper to leave on its own."""
        if self.connection:
            self.connection.close()
        try:
            status = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            status = "did not end"
        if self.cgroups:
            self.cgroups.remove()
        shutil.rmtree(self.directory, ignore_errors=True)
        return status
