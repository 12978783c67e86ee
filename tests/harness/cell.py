"""A place of a test's own for daemons that mount and start processes: a directory, and mount and process namespaces. All of it is
gone when the test is, however the test ends: process 1 of these namespaces dies with the test, and with it every daemon,
shim, container and mount in them.
"""

import contextlib
import ctypes
import os
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

from . import traces

START_SECONDS = 60
STOP_SECONDS = 30
CLONE_NEWPID = 0x20000000

FIRST_PROCESS = """
mount -t proc proc /proc && mount -t tmpfs tmpfs /run || exit
echo ready
exec docker-init -- sleep infinity
"""


class Failure(Exception):
    pass


def why_not(programs):
    """Why there can be no cell with these programs here, or None."""
    if os.getuid() != 0:
        return "needs root, to make namespaces"
    path = os.environ["PATH"] + ":/usr/sbin:/sbin"
    if missing := [program for program in ("docker-init", "unshare", "nsenter", "setpriv", *programs) if not shutil.which(program, path=path)]:
        return f"needs {', '.join(missing)}"
    allowed = subprocess.run(["unshare", "--mount", "--pid", "--fork", "mount", "-t", "tmpfs", "tmpfs", "/run"], capture_output=True, text=True)
    return f"cannot mount here: {allowed.stderr.strip()}" if allowed.returncode else None


class Process:
    """One of the cell's daemons, started and killed as often as the test likes."""

    def __init__(self, cell, name, *arguments, path="/usr/sbin:/usr/bin:/sbin:/bin"):
        self.cell = cell
        self.name = Path(name).name
        self.command = [str(name), *map(str, arguments)]
        self.environment = {"PATH": path}
        self.log_path = cell.directory / f"{self.name}.log"
        self.process = None

    def start(self):
        with open(self.log_path, "ab") as log, _children_born_in(self.cell.first_process):
            self.process = subprocess.Popen(
                [*self.cell.enter(), *self.command],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=self.environment, cwd="/",
            )

    def signal(self, number):
        self.process.send_signal(number)

    def kill(self):
        """SIGKILL, as a crash does."""
        self.signal(signal.SIGKILL)
        self.process.wait()

    def terminate(self):
        """SIGTERM, as an operator does."""
        self.process.terminate()
        self.process.wait(STOP_SECONDS)

    def pause(self):
        self.signal(signal.SIGSTOP)

    def resume(self):
        self.signal(signal.SIGCONT)

    def log(self, last=4000):
        return self.log_path.read_bytes()[-last:].decode(errors="replace") if self.log_path.exists() else ""


class Cell:
    """`prepare`: what the shell of the cell does first, such as further mounts. `network`: a network namespace too, with nothing in it.
    `daemons`, to be set by who inherits: in the order in which they may end."""

    def __init__(self, prefix, prepare="", network=False):
        self.directory = Path(tempfile.mkdtemp(prefix=prefix))
        self.cgroup = self.directory.name
        self.prepare = prepare
        self.namespaces = ("--mount", "--pid", *(("--net",) if network else ()))
        self.daemons = ()
        self.first_process = None
        self.unshare = None

    def __enter__(self):
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_):
        self.stop()

    def enter(self):
        """What stands before a command that is to see the cell's mounts and network."""
        names = {"--mount": "mnt", "--net": "net"}
        return ["nsenter", *(f"{kind}=/proc/{self.first_process}/ns/{names[kind]}" for kind in self.namespaces if kind in names), "--"]

    def make_namespaces(self):
        command = ["unshare", *self.namespaces, "--fork", "--kill-child=KILL", "sh", "-c", self.prepare + FIRST_PROCESS]
        self.unshare = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", *command],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd="/",
        )
        if (said := self.unshare.stdout.readline()) != "ready\n":
            raise Failure(f"the namespaces could not be made: {said}")
        self.first_process = next(iter(traces.children(self.unshare.pid)))

    def stop(self):
        """Without ceremony: nothing of it is needed any more."""
        if self.unshare is not None:
            self._thaw()
            if self.first_process is not None:
                os.kill(self.first_process, signal.SIGKILL)
            # The first process of a namespace is not gone before all others have been waited for (pid_namespaces(7)).
            for process in filter(None, (*(daemon.process for daemon in self.daemons), self.unshare)):
                process.wait(STOP_SECONDS)
            self.unshare.stdout.close()
        traces.eventually(self._remove_cgroups)
        shutil.rmtree(self.directory, ignore_errors=True)

    def _cgroups(self):
        """All cgroups of this cell, in every hierarchy, the lower ones first."""
        roots = [*Path("/sys/fs/cgroup").glob(self.cgroup), *Path("/sys/fs/cgroup").glob(f"*/{self.cgroup}")]
        return [Path(directory) for root in roots for directory, _, _ in os.walk(root, topdown=False)]

    def _thaw(self):
        """In cgroup v1 not even SIGKILL ends what is frozen."""
        for cgroup in self._cgroups():
            if (cgroup / "freezer.state").exists():
                (cgroup / "freezer.state").write_text("THAWED")

    def _remove_cgroups(self):
        for cgroup in self._cgroups():
            with contextlib.suppress(OSError):
                cgroup.rmdir()
        return self._cgroups()

    def processes(self):
        """The process ids of the cell itself and its daemons, without what those have started."""
        sleeping = [pid for pid, name in traces.children(self.first_process).items() if name == "sleep"]
        return {self.unshare.pid, self.first_process, *sleeping, *(daemon.process.pid for daemon in self.daemons if daemon.process)}

    def wait_for(self, what, condition, seconds=START_SECONDS):
        deadline = time.monotonic() + seconds
        while not condition():
            dead = [daemon.name for daemon in self.daemons if daemon.process and daemon.process.poll() is not None]
            if time.monotonic() > deadline or dead:
                logs = "\n".join(f"{daemon.name}: {daemon.log(2000)}" for daemon in self.daemons)
                raise Failure(f"no {what} within {seconds} s, {dead} have ended:\n{logs}")
            time.sleep(0.02)

    def inside(self, path):
        """The path by which the host sees a file of the cell's own mounts."""
        return Path(f"/proc/{self.first_process}/root{path}")


def enter_namespace(path, kind):
    """This thread is in it from now on; of process namespaces (CLONE_NEWPID), what it starts (setns(2))."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        if ctypes.CDLL(None, use_errno=True).setns(descriptor, kind) != 0:
            raise OSError(ctypes.get_errno(), f"setns({path})")
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def _children_born_in(pid):
    """What this thread starts meanwhile is in the process namespace of `pid`."""
    enter_namespace(f"/proc/{pid}/ns/pid", CLONE_NEWPID)
    try:
        yield
    finally:
        enter_namespace("/proc/self/ns/pid", CLONE_NEWPID)
