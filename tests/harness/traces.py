"""What a daemon could have left behind on the host: looked for before and after, so that only what is new counts."""

import ctypes
import os
import re
import time
from pathlib import Path

PR_SET_CHILD_SUBREAPER = 36
PATIENCE_SECONDS = 10


def adopt_orphans():
    """Makes every process that is started below this one stay below it when its parent ends, however it detaches itself."""
    if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_CHILD_SUBREAPER)")


def descendants(root=None):
    """{pid: command} of all processes below `root` (this one), zombies excepted."""
    by_parent = _processes()
    found, pending = {}, [root or os.getpid()]
    while pending:
        below = by_parent.get(pending.pop(), {})
        found |= below
        pending += below
    return found


def children(pid):
    """{pid: command} of its children, zombies excepted."""
    return _processes().get(pid, {})


def _processes():
    """{parent: {pid: command}} of all that there are."""
    by_parent = {}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            stat = (entry / "stat").read_text(errors="replace")
        except OSError:
            continue  # it has ended meanwhile
        command, rest = stat[stat.index("(") + 1 : stat.rindex(")")], stat[stat.rindex(")") + 2 :].split()
        if rest[0] != "Z":
            by_parent.setdefault(int(rest[1]), {})[int(entry.name)] = command
    return by_parent


def reap():
    """Collects adopted processes that have ended."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        pass


class Host:
    """A picture of the host: mount points, cgroups, System V shared memory, and entries of directories everybody may write."""

    def __init__(self):
        self.things = {
            "mount": {line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()},
            "cgroup": _cgroups(),
            "shared memory": {line.split()[1] for line in _lines("/proc/sysvipc/shm")[1:]},
            "file in /dev/shm": _entries("/dev/shm"),
            "file in /var/tmp": _entries("/var/tmp"),
        }

    def new_since(self, before, mine):
        """What is here and was not in `before`, as lines. Others use this host too: `mine` says whether a name of ours."""
        return [
            f"left over: {kind} {thing}"
            for kind, things in self.things.items()
            for thing in sorted(things - before.things[kind])
            if mine(thing)
        ]


def names_of(daemon):
    """What a thing on this host that is this daemon's has in its name: its directory, or that of its cgroups."""
    commands = "".join(_command_line(pid) for pid in descendants(daemon.pid))
    return {str(daemon.directory), *re.findall(r"assay-[0-9a-f]{8}(?=[/\0])", commands)}


def left_on_host(before, names):
    """What is new on the host since `before` and has one of these names, once it had time to go away."""

    def mine(thing):
        return any(name in thing for name in names)

    return eventually(lambda: Host().new_since(before, mine))


def eventually(nothing_left, seconds=PATIENCE_SECONDS):
    """Calls `nothing_left` until it returns an empty list or patience ends; returns the last list."""
    deadline = time.monotonic() + seconds
    while (left := nothing_left()) and time.monotonic() < deadline:
        time.sleep(0.05)
    return left


def _cgroups():
    return {directory for directory, _, _ in os.walk("/sys/fs/cgroup") if "assay" in directory}


def _command_line(pid):
    """Each argument ended by a 0; nothing of a process that has ended meanwhile."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_text(errors="replace")
    except OSError:
        return ""


def _lines(path):
    try:
        return Path(path).read_text().splitlines()
    except OSError:
        return []


def _entries(path):
    try:
        return set(os.listdir(path))
    except OSError:
        return set()
