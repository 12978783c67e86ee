"""A daemon of the test's own, in a directory of its own, that is gone when the test is."""

import os
import re
import select
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

from . import client

START_SECONDS = 30
SANITIZER = re.compile(r"ERROR: \w+Sanitizer|WARNING: ThreadSanitizer|runtime error: ")
STOP_SECONDS = 30


class Failure(Exception):
    pass


class Daemon:
    """assayd, started and stopped as often as the test likes, always on the same state directory and socket."""

    def __init__(self, assayd, keeper, directory=None, *, slots=2, queue=None, options=(), identity=None, cgroup=None, log=None, enter=()):
        self.own_directory = directory is None
        self.directory = Path(directory or tempfile.mkdtemp(prefix="assay-test-"))
        self.state = self.directory / "state"
        self.address = f"unix:{self.directory}/socket"
        self.log_path = Path(log) if log else self.directory / "log"
        self.command = [os.path.abspath(assayd), "--state-dir", str(self.state), "--listen", self.address, "--slots", str(slots)]
        if queue is not None:
            self.command += ["--queue", str(queue)]
        self.command += options
        self.environment = {"PATH": "/usr/local/bin:/usr/bin:/bin", "ASSAY_KEEPER": os.path.abspath(keeper)}
        # What sanitizers are told must reach the daemon and its keepers.
        self.environment |= {name: value for name, value in os.environ.items() if name.endswith("SAN_OPTIONS")}
        self.identity = identity  # (uid, gid) to run as, or None
        self.cgroup = cgroup  # directory of the cgroup (version 2) to start in, or None
        self.enter = list(enter)  # a command that starts the daemon's somewhere else, such as in another network namespace
        self.process = None
        self.addresses = []  # that it listens on, once started; with their real ports

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, kind, *_):
        self.stop()
        reports = self.sanitizer_reports()
        if self.own_directory:
            shutil.rmtree(self.directory, ignore_errors=True)
        if reports and kind is None:
            raise Failure("\n".join(reports))

    def sanitizer_reports(self):
        """What sanitizers wrote to the logs of the daemon and of its keepers."""
        logs = [self.log_path, *self.state.glob("native/*/log")]
        texts = [log.read_text(errors="replace") for log in logs if log.exists()]
        return [line for text in texts if SANITIZER.search(text) for line in text.splitlines()[-100:]]

    def spawn(self):
        """Starts the process and returns the descriptor that says "ready". The caller closes it."""
        read_end, write_end = os.pipe()
        uid, gid = self.identity or (None, None)
        identity = {"user": uid, "group": gid, "extra_groups": []} if self.identity and not self.cgroup else {}
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(
                [*self.enter, *self._into_cgroup(), *self.command, "--ready-fd", str(write_end)],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=self.environment, pass_fds=[write_end],
                **identity, cwd="/",
            )
        os.close(write_end)
        return read_end

    def _into_cgroup(self):
        """Only root may move a process into a cgroup that it has handed to somebody; who that is the process becomes then."""
        if not self.cgroup:
            return []
        enter = 'echo 0 >"$0/cgroup.procs" && exec "$@"'
        become = ["setpriv", f"--reuid={self.identity[0]}", f"--regid={self.identity[1]}", "--clear-groups", "--"]
        return ["sh", "-c", enter, str(self.cgroup), *(become if self.identity else [])]

    def start(self):
        ready = self.spawn()
        try:
            said = _read_line(ready, START_SECONDS)
        finally:
            os.close(ready)
        if not said.startswith(b"ready"):
            self.kill()
            raise Failure(f"assayd did not get ready, it said {said!r}:\n{self.log()}")
        self.addresses = said.decode().split()[1:]

    def stop(self):
        """SIGTERM, as an operator does; the keepers end on their own. Returns the exit status."""
        if self.process is None or self.process.poll() is not None:
            return self.process and self.process.returncode
        self.process.terminate()
        try:
            return self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
            raise Failure(f"assayd did not end within {STOP_SECONDS} s of SIGTERM:\n{self.log()}") from None

    def kill(self):
        """SIGKILL, as a crash does."""
        if self.process is not None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()

    def client(self, timeout=120):
        return client.Client(self.address, timeout)

    def evidence(self):
        """The directories of attempts that are there, of every backend."""
        return [path for parent in ("evidence", "docker/attempts", "kubernetes/attempts") for path in (self.state / parent).glob("assay-*")]

    def log(self, last=4000):
        try:
            return self.log_path.read_bytes()[-last:].decode(errors="replace")
        except FileNotFoundError:
            return ""

    @property
    def pid(self):
        return self.process.pid


def _read_line(descriptor, seconds):
    """What comes before the first newline or the end, or as much as comes in time."""
    said = b""
    deadline = time.monotonic() + seconds
    while b"\n" not in said:
        readable, _, _ = select.select([descriptor], [], [], max(0, deadline - time.monotonic()))
        part = os.read(descriptor, 4096) if readable else b""
        if not part:
            break
        said += part
    return said
