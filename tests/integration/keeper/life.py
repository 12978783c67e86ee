"""The life of a keeper and of its slot."""

import os
import signal
import subprocess
import time

from keeper_driver import KNOWN, QUIT, REFUSED, STARTED, Keeper, new_name, plan
from rules import SLOT, rule, same


@rule("a name is started once, whoever asks again", of=SLOT)
def _(keeper):
    name, answer = keeper.start(plan(["/bin/true"]))
    keeper.finish(name)
    same(keeper.start(plan(["/bin/true"]), name)[1]["type"], KNOWN)
    name, answer = keeper.start(plan(["/bin/sleep", "1"]))
    same(keeper.start(plan(["/bin/true"]), name)[1]["type"], KNOWN)
    same(keeper.start(plan(["/bin/true"]))[1]["type"], REFUSED)
    keeper.kill(name, "cancelled")
    keeper.finish(name)


@rule("nonsense instead of a plan is refused and leaves nothing", of=SLOT)
def _(keeper):
    for nonsense in (b"", b"nonsense", plan(["/bin/true"])[:-3]):
        name, answer = keeper.start(nonsense)
        same((answer["type"], name in keeper.names()), (REFUSED, False))


@rule("a launch that was given up before its start marker is launched again", of=SLOT)
def _(keeper):
    name = new_name()
    os.mkdir(f"{keeper.evidence}/{name}")
    same(keeper.start(plan(["/bin/true"]), name)[1]["type"], STARTED)
    same(keeper.finish(name).ending, ("code", 0))


@rule("removal leaves nothing, at any time, also while another runs", of=SLOT)
def _(keeper):
    first, _ = keeper.start(plan(["/bin/true"]))
    keeper.finish(first)
    second, _ = keeper.start(plan(["/bin/sleep", "20"]))
    keeper.remove(first)
    keeper.kill(second, "cancelled")
    keeper.finish(second)
    keeper.remove(second)
    same([n for n in keeper.names() if n in (first, second)], [])
    if keeper.cgroups:
        same([leaf for leaf in keeper.cgroups.leaves() if first in leaf or second in leaf], [])


@rule("a daemon that comes back finds the evaluation, and its end", of=SLOT)
def _(keeper):
    name, _ = keeper.start(plan(["/bin/sh", "-c", "sleep 0.3; echo done"]))
    keeper.connection.close()
    keeper.connect()
    same(keeper.hello["name"], name)
    same(keeper.finish(name).output("stdout"), b"done\n")


@rule("a hundred evaluations leak no descriptor, mount, process or cgroup", of=SLOT)
def _(keeper):
    def census():
        pid = keeper.process.pid
        fds = len(os.listdir(f"/proc/{pid}/fd")) if os.access(f"/proc/{pid}/fd", os.R_OK) else 0
        with open(f"/proc/{pid}/mountinfo", encoding="utf-8") as mounts:
            count = len(mounts.readlines())
        with open(f"/proc/{pid}/task/{pid}/children", encoding="utf-8") as children:
            processes = len(children.read().split())
        return fds, count, processes, len(keeper.cgroups.leaves()) if keeper.cgroups else 0

    def some(count):
        for i in range(count):
            name, _ = keeper.start(plan(["/bin/sh", "-c", f"echo {i}; exit {i % 3}"]))
            same(keeper.finish(name).output("stdout"), b"%d\n" % i)
            keeper.remove(name)
        time.sleep(0.05)  # the next sandbox may be in the making

    some(3)
    before = census()
    some(100)
    same(census(), before)


def started_anew(keeper):
    """A keeper of the same kind, for a test that ends it."""
    return Keeper(keeper.command[0], cgroups=bool(keeper.cgroups))


def sleepers(marker):
    """How many processes of this host sleep for so many seconds."""
    found = 0
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as command:
                found += command.read() == b"sleep\0" + marker.encode() + b"\0"
        except OSError:
            pass  # it has just ended
    return found


@rule("a killed keeper takes the tree with it and leaves what was written", of=SLOT)
def _(keeper):
    victim = started_anew(keeper)
    marker = f"31{os.getpid()}{time.monotonic_ns() % 10000}"
    name, _ = victim.start(plan(["/bin/sh", "-c", f"echo kept; setsid sleep {marker} & sleep {marker}"]))
    victim.await_output(name, "stdout", b"kept\n")
    end = time.monotonic() + 5
    while sleepers(marker) < 2:
        assert time.monotonic() < end, "they never began to sleep"
        time.sleep(0.01)
    victim.process.send_signal(signal.SIGKILL)
    victim.process.wait()
    end = time.monotonic() + 5
    while sleepers(marker):
        assert time.monotonic() < end, "the tree lives on"
        time.sleep(0.01)
    same((os.path.exists(f"{victim.evidence}/{name}/start"), os.path.exists(f"{victim.evidence}/{name}/exit")), (True, False))
    with open(f"{victim.evidence}/{name}/stdout", "rb") as kept:
        same(kept.read(), b"kept\n")
    victim.close()


@rule("a killed keeper leaves counters with which a ring can be put in order", of=SLOT)
def _(keeper):
    victim = started_anew(keeper)
    name, _ = victim.start(plan(["/bin/sh", "-c", "seq 1 5000; sleep 20"], output_bytes=1001))
    victim.await_bytes(name, "ring", 8)
    time.sleep(0.3)
    victim.process.send_signal(signal.SIGKILL)
    victim.process.wait()
    with open(f"{victim.evidence}/{name}/ring", "rb") as file:
        counters = file.read()
    limit, written = (int.from_bytes(counters[i : i + 8], "little") for i in (8, 16))
    with open(f"{victim.evidence}/{name}/stdout", "rb") as file:
        kept = file.read()
    whole = b"".join(b"%d\n" % i for i in range(1, 5001))
    same((limit, written, len(kept)), (1001, len(whole), 1001))
    turn = (written - 501) % 500
    same(kept[:501] + kept[501 + turn :] + kept[501 : 501 + turn], whole[:501] + whole[-500:])
    victim.close()


@rule("a keeper that has lost its daemon finishes, writes the record, and goes", of=SLOT)
def _(keeper):
    lonely = started_anew(keeper)
    name, _ = lonely.start(plan(["/bin/sh", "-c", "sleep 0.3; echo done"]))
    lonely.connection.close()
    lonely.connection = None
    same(lonely.process.wait(10), 0)
    assert os.path.exists(f"{lonely.evidence}/{name}/exit")
    lonely.close()


@rule("SIGTERM and SIGINT do not end a keeper, QUIT does", of=SLOT)
def _(keeper):
    other = started_anew(keeper)
    other.process.send_signal(signal.SIGTERM)
    other.process.send_signal(signal.SIGINT)
    same(other.run(["/bin/true"]).ending, ("code", 0))
    other.send(QUIT)
    same(other.process.wait(5), 0)
    other.close()


@rule("a second keeper of a slot is refused", of=SLOT)
def _(keeper):
    second = subprocess.run(keeper.command, capture_output=True, timeout=20, check=False)
    same(second.returncode != 0 and b"another keeper" in second.stderr, True)
    same(keeper.run(["/bin/true"]).ending, ("code", 0))


@rule("a packet that is none ends the connection, and not what runs", of=SLOT)
def _(keeper):
    name, _ = keeper.start(plan(["/bin/sh", "-c", "sleep 0.3; echo done"]))
    keeper.connection.send(b"nonsense")
    same(keeper.connection.recv(4096), b"")
    keeper.connect()
    same(keeper.finish(name).output("stdout"), b"done\n")
