"""The life of a keeper in a container (wire/container.h)."""

import os
import signal
import time

from contained import NOT_STARTED, Contained
from keeper_driver import (
    FEATURES, KILL, KILL_REASONS, KNOWN, REFUSED, RUN, STARTED, Record, features_of, new_name, pack, plan)
from rules import CONTAINER, rule, same

BEFORE = ["/bin/sh", "-c", "echo error >&2; echo before; sleep 20"]
FULL = set(FEATURES) - {"kill", "user_namespace"}


def started(keeper, command=BEFORE, **options):
    """An attempt that has written its first line."""
    name, answer = keeper.start(plan(command, **options))
    same(answer["type"], STARTED)
    keeper.await_output(name, "stdout", b"before\n")
    return name


def contents(directory):
    """All that can be read there, with the times of change."""
    return {path.name: (path.stat().st_mtime_ns, path.read_bytes() if path.is_file() else None) for path in directory.iterdir()}


def is_refused(keeper, name):
    try:
        keeper.connect(name).close()
    except ConnectionRefusedError:
        return True
    return False


@rule("whoever can connect knows that it lives, and a record that it does not", of=CONTAINER)
def _(keeper):
    name = started(keeper)
    for _ in range(3):
        keeper.connect(name).close()
    keeper.kill(name, "cancelled")
    same(keeper.finish(name).killed, "cancelled")
    same(is_refused(keeper, name), True)


@rule("without a plan, or with nonsense for one, nothing is started, and why is said", of=CONTAINER)
def _(keeper):
    for nonsense, text in ((b"", "a plan of 0 bytes"), (b"nonsense", "not a plan of version 1"), (None, "cannot open the plan")):
        name = keeper.prepare(nonsense or b"")
        if nonsense is None:
            os.unlink(keeper.attempt(name) / "plan")
        same(keeper.launch(name).wait(10), NOT_STARTED)
        failure = (keeper.attempt(name) / "failure").read_text(encoding="utf-8")
        assert failure.startswith(text), failure
        same([file for file in ("start", "exit", "exit.tmp") if keeper.has(name, file)], [])


@rule("a root that a plan names is not the container's to give", of=CONTAINER)
def _(keeper):
    name, answer = keeper.start(plan(["/bin/true"], root="/usr"))
    same((answer["type"], answer["text"]), (REFUSED, 'the root "/usr" is not allowed'))
    same(keeper.containers.pop(name).wait(10), NOT_STARTED)


@rule("what was started is never started again, and nothing of it is touched", of=CONTAINER)
def _(keeper):
    name, _ = keeper.start(plan(["/bin/echo", "once"]))
    keeper.finish(name)
    before = contents(keeper.attempt(name))
    same(keeper.start(plan(["/bin/echo", "once"]), name)[1]["type"], KNOWN)
    same(keeper.containers.pop(name).wait(10), NOT_STARTED)
    after = contents(keeper.attempt(name))
    del before["plan"], after["plan"]  # made anew by this test
    same(after, before)


@rule("of several containers of one attempt one runs it, and the others touch nothing", of=CONTAINER)
def _(keeper):
    for _ in range(5):
        name = keeper.prepare(plan(["/bin/sh", "-c", "echo once; sleep 0.2"]))
        containers = [keeper.launch(name) for _ in range(4)]
        same(sorted(container.wait(20) for container in containers), [0] + [NOT_STARTED] * 3)
        record = Record(keeper.attempt(name))
        same((record.ending, record.output("stdout"), keeper.has(name, "failure")), (("code", 0), b"once\n", False))


@rule("what a start that was given up has left is in nobody's way", of=CONTAINER)
def _(keeper):
    name = keeper.prepare(plan(["/bin/echo", "fresh"]))
    for file in ("exit.tmp", "stdout", "order", "ring", "failure", "control"):
        (keeper.attempt(name) / file).write_bytes(b"old")
    name, answer = keeper.start(plan(["/bin/echo", "fresh"]), name)
    same((answer["type"], answer["text"]), (STARTED, ""))
    record = keeper.finish(name)
    same((record.ending, record.output("stdout"), keeper.has(name, "ring")), (("code", 0), b"fresh\n", False))


@rule("a packet that is none, or that asks for more than a kill, ends the connection and not the program", of=CONTAINER)
def _(keeper):
    name = started(keeper)
    cancelled = KILL_REASONS.index("cancelled")
    for packet in (b"nonsense", pack(RUN, name), pack(KILL, new_name(), cancelled), pack(KILL, name, 0), pack(KILL, name, 99)):
        with keeper.connect(name) as connection:
            connection.send(packet)
            same(connection.recv(4096), b"")
    with keeper.connect(name) as idle, keeper.connect(name) as connection:
        idle.settimeout(10)
        connection.send(pack(KILL, name, KILL_REASONS.index("deadline")))
        same(keeper.finish(name).killed, "deadline")


@rule("what was sent is obeyed, also when the next connection comes at once", of=CONTAINER)
def _(keeper):
    for _ in range(5):
        name = started(keeper)
        keeper.kill(name, "cancelled")
        is_refused(keeper, name)  # or not: it may have obeyed already
        same(keeper.finish(name).killed, "cancelled")


@rule("signals stand for the socket", of=CONTAINER)
def _(keeper):
    for number, reason in ((signal.SIGUSR1, "cancelled"), (signal.SIGUSR2, "deadline")):
        name = started(keeper)
        os.kill(keeper.pid(name), number)
        record = keeper.finish(name)
        same((record.killed, record.output("stdout"), record.output("stderr")), (reason, b"before\n", b"error\n"))


@rule("what is stopped from outside is not the program's end, and its output is kept", of=CONTAINER)
def _(keeper):
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT, signal.SIGHUP):
        name = started(keeper)
        os.kill(keeper.pid(name), number)
        record = keeper.finish(name)
        same((record.killed, record.message, record.output("stdout")), ("none", "stopped from outside", b"before\n"))
        assert record.evidence_errno, record


@rule("a program that has ended keeps its own end, whatever comes then", of=CONTAINER)
def _(keeper):
    name, _ = keeper.start(plan(["/bin/sh", "-c", "exit 3"]))
    container = keeper.containers[name]
    while container.poll() is None:
        try:
            container.send_signal(signal.SIGUSR1)
        except ProcessLookupError:
            pass
    record = keeper.finish(name)
    assert (record.ending, record.killed) in ((("code", 3), "none"), (("signal", 9), "cancelled")), record


@rule("a killed container leaves what was written, and is known to be dead", of=CONTAINER)
def _(keeper):
    name = started(keeper)
    os.kill(keeper.pid(name), signal.SIGKILL)
    same(keeper.containers.pop(name).wait(10) != 0, True)
    same((keeper.has(name, "start"), keeper.has(name, "exit"), is_refused(keeper, name)), (True, False, True))
    same((keeper.attempt(name) / "stdout").read_bytes(), b"before\n")


@rule("an init that was killed from outside takes the tree with it, and says nothing of the program", of=CONTAINER)
def _(keeper):
    name = started(keeper)
    with open(f"/proc/{keeper.pid(name)}/task/{keeper.pid(name)}/children", encoding="ascii") as children:
        (init,) = map(int, children.read().split())
    os.kill(init, signal.SIGKILL)
    record = keeper.finish(name, 10)
    same((record.message, record.output("stdout")), ("the sandbox was killed from outside", b"before\n"))
    assert record.evidence_errno, record


@rule("all that a program leaves running is dead before the container ends, and keeps nobody waiting", of=CONTAINER)
def _(keeper):
    begin = time.monotonic()
    record = keeper.python("import os, signal, time\n"
                           "for i in range(20):\n"
                           " if not os.fork():\n"
                           "  os.setsid()\n"
                           "  if not os.fork():\n"
                           "   signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(100)\n"
                           "  os._exit(0)\n"
                           "print('done')")
    same((record.ending, record.output("stdout")), (("code", 0), b"done\n"))
    assert time.monotonic() - begin < 5, record


@rule("a program reaches neither its evidence nor its keeper", of=CONTAINER)
def _(keeper):
    record = keeper.python("""
import os, socket
def attempt(what):
    try: return what() and 'allowed'
    except OSError as error: return error.strerror
print(attempt(lambda: os.listdir('/assay/attempt')), attempt(lambda: open('/assay/attempt/plan').read()))
print(attempt(lambda: [socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET).connect('/assay/attempt/control')]))
for pid in (1, 2):
    print(attempt(lambda: [os.kill(pid, 9)]), attempt(lambda: open(f'/proc/{pid}/environ').read()), attempt(lambda: os.listdir(f'/proc/{pid}/fd')))
""")
    denied, no = "Permission denied", "Operation not permitted"
    same(record.output("stdout").decode().splitlines(), [f"{denied} {denied}", denied] + [f"{no} {denied} {denied}"] * 2)


@rule("evidence belongs to whose directory it is, and the program is somebody else", of=CONTAINER)
def _(keeper):
    for owner, program in ((65534, 1000), (1000, 1001)):
        other = Contained(keeper.binary, cgroups=bool(keeper.cgroups), owner=owner)
        name, _ = other.start(plan(["/bin/sh", "-c", "id -u; touch file; echo error >&2; stat -c %u . file; cat /dev/stdin >/dev/stdout"],
                                   [("a/b", "c")], stdin=b"given\n"))
        record = other.finish(name)
        same(record.output("stdout").decode().split(), [str(program)] * 3 + ["given"])
        same({path.name: path.stat().st_uid for path in other.attempt(name).iterdir()},
             dict.fromkeys(("plan", "control", "start", "stdout", "stderr", "order", "exit"), owner))
        other.close()


@rule("a directory that others could enter is closed to them first", of=CONTAINER)
def _(keeper):
    name = keeper.prepare(plan(["/bin/true"]))
    os.chmod(keeper.attempt(name), 0o755)
    same(keeper.launch(name).wait(10), 0)
    same(keeper.attempt(name).stat().st_mode & 0o777, 0o700)


@rule("the image's variables are the program's, but for those that speak of the container", of=CONTAINER)
def _(keeper):
    image = {"PATH": "/usr/bin:/bin", "IMAGE": "1", "LANG": "xx", "BOTH": "image", "HOME": "/root", "HOSTNAME": "h", "TERM": "t",
             "EVAL_ID": "forged"}
    name, _ = keeper.start(plan(["/usr/bin/env"], env=["BOTH=plan"]), environment=image)
    lines = keeper.finish(name).output("stdout").decode().split()
    same(sorted(lines), sorted(["PATH=/usr/bin:/bin", "IMAGE=1", "LANG=xx", "BOTH=plan", "HOME=/box/work", f"EVAL_ID={name[6:-2]}"]))


def features_in(keeper, **container):
    name, _ = keeper.start(plan(["/bin/true"]), **container)
    return features_of(keeper.finish(name).isolation)


@rule("a container as it ought to be is believed to be one", features=["memory"], of=CONTAINER)
def _(keeper):
    same(features_in(keeper) | {"landlock"}, FULL)


@rule("what is missing of a container's isolation is seen from inside", features=["memory"], of=CONTAINER)
def _(keeper):
    everything = features_in(keeper)
    for fault, missing in (("uts", {"namespaces"}), ("ipc", {"namespaces"}), ("cgroup", {"namespaces"}),
                           ("writable", {"root"}), ("volume", {"disk"})):
        same((fault, everything - features_in(keeper, faults={fault})), (fault, missing))
    assert "network" not in features_in(keeper, faults={"net"}) or os.stat("/proc/self/ns/net").st_ino >= 0xF0000000


@rule("limits above the plan's are none", features=["memory"], of=CONTAINER)
def _(keeper):
    everything = features_in(keeper)
    same(everything - features_in(keeper, memory_bytes=(256 << 20) + 4096), {"memory"})
    same(everything - features_in(keeper, processes=65), {"processes"})
    same(everything - features_in(keeper, disk_bytes=17 << 20), {"disk"})


@rule("on a small share of the processors a program that takes all of it does not hide that its time is up", features=["processes"],
      of=CONTAINER)
def _(keeper):
    if not keeper.cgroups.quotas:
        return  # there is no share that could be small
    name, _ = keeper.start(plan(["/usr/bin/python3", "-c", "import os\nfor i in range(60):\n if not os.fork(): break\nwhile 1: pass"],
                                wall_time_ms=2500), processor_percent=5)
    same(keeper.finish(name).killed, "wall_time")
