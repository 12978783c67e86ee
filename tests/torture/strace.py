"""strace(1) makes the n-th system call of a thread fail, or kills at it."""

import os
import shutil
import subprocess
import time
from pathlib import Path

ATTACHED_SECONDS = 20


def why_not():
    return None if shutil.which("strace") else "strace is not installed"


class Fault:
    """At the n-th of `call` (several with commas: of each), `what`: "error=EIO", "signal=KILL"."""

    def __init__(self, call, what, number, last=False):
        self.call, self.what, self.number = call, what, number
        self.options = ["-e", f"trace={call}", "-e", f"inject={call}:{what}:when={number}{'+' if last else ''}"]

    def __str__(self):
        return f"{self.what} at the {self.number}. {self.call}"

    def started_with(self, command, log):
        """The command that starts `command` with it, on the main thread. (-D: what is started stays our child.)"""
        return ["strace", "-D", "-y", "-qq", "-o", str(log), *self.options, *command]


class Attached:
    """A thread under strace while the context is open; `log` tells what it did."""

    def __init__(self, thread, fault, log):
        self.thread, self.log = thread, log
        self.process = subprocess.Popen(
            ["strace", "-qq", "-o", str(log), *fault.options, "-p", str(thread)], stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL
        )

    def __enter__(self):
        deadline = time.monotonic() + ATTACHED_SECONDS
        while not self._is_traced():
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise OSError(f"strace cannot attach to {self.thread}")
            time.sleep(0.005)
        return self

    def _is_traced(self):
        return "\nTracerPid:\t0\n" not in Path(f"/proc/{self.thread}/status").read_text()

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()


def calls(log):
    """What was called, and whether it was made to fail: [(name, injected)]."""
    if not os.path.exists(log):
        return []
    lines = Path(log).read_text(errors="replace").splitlines()
    return [(line.split("(")[0], "(INJECTED)" in line) for line in lines if "(" in line and not line.startswith(("---", "+++"))]


def struck_a_wake_up(log):
    """Whether what was made to fail is a process's message to itself through a pipe or an eventfd: no kernel does that, and libuv
    aborts there. (Of one that was started with the fault.)"""
    lines = Path(log).read_text(errors="replace").splitlines()
    return any("(INJECTED)" in line and ("<pipe:" in line or "[eventfd]" in line) for line in lines)


def thread_named(pid, name):
    for task in Path(f"/proc/{pid}/task").iterdir():
        if (task / "comm").read_text().strip() == name:
            return int(task.name)
    raise LookupError(f"{pid} has no thread {name}")
