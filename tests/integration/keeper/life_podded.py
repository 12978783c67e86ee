"""The life of a keeper in a pod (wire/pod.h), beside programs of its own user id."""

import os
import signal
import subprocess
import time
from pathlib import Path

from contained import NOT_STARTED
from keeper_driver import FEATURES, features_of, plan
from podded import UID_LEAST, frames_of
from rules import POD, rule, same

# Each prints what came of it, and none of it may be anything.
ATTEMPTS = """
import ctypes, os, resource, socket
libc = ctypes.CDLL(None, use_errno=True)
def attempt(what, of):
    try: of(); return f'{what}: allowed'
    except OSError as error: return f'{what}: {error.strerror}'
def call(name, *arguments):
    if getattr(libc, name)(*arguments) < 0: raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
for pid in (1, 2):
    for file in ('environ', 'mem', 'maps', 'auxv', 'io', 'stack'):
        print(attempt(f'{pid}/{file}', lambda: open(f'/proc/{pid}/{file}', 'rb').read(1)))
    for directory in ('fd', 'fdinfo', 'map_files'):
        print(attempt(f'{pid}/{directory}', lambda: os.listdir(f'/proc/{pid}/{directory}')))
    for link in ('fd/1', 'fd/3', 'exe', 'cwd', 'root'):
        print(attempt(f'{pid}/{link}', lambda: os.open(f'/proc/{pid}/{link}', os.O_RDONLY)))
    print(attempt(f'ptrace {pid}', lambda: call('ptrace', 16, pid, 0, 0)))
    print(attempt(f'seize {pid}', lambda: call('ptrace', 0x4206, pid, 0, 0)))
    print(attempt(f'oom {pid}', lambda: open(f'/proc/{pid}/oom_score_adj', 'w').write('1000')))
print(attempt('prlimit', lambda: resource.prlimit(1, resource.RLIMIT_CPU, (0, 0))))
print(attempt('nice', lambda: os.setpriority(os.PRIO_PROCESS, 1, 19)))
print(attempt('nice group', lambda: os.setpriority(os.PRIO_PGRP, 1, 19)))
print(attempt('nice user', lambda: os.setpriority(os.PRIO_USER, 0, 19)))
print(attempt('affinity', lambda: os.sched_setaffinity(1, {0})))
print(attempt('idle', lambda: os.sched_setscheduler(1, os.SCHED_IDLE, os.sched_param(0))))
print(attempt('plan', lambda: open('/assay/plan')))
print(attempt('key', lambda: open('/assay/key')))
"""


def started(keeper, command, **options):
    name, _ = keeper.start(plan(command, **options))
    keeper.await_output(name, "stdout", b"before\n")
    return name


@rule("of the same user id, a program reaches neither keeper nor init, nor their memory, nor the key", of=POD)
def _(keeper):
    record = keeper.python(ATTEMPTS)
    same(record.ending, ("code", 0))
    lines = record.output("stdout").decode().splitlines()
    assert len(lines) > 40, lines
    same([line for line in lines if line.endswith(": allowed")], [])


@rule("no capability, no new privilege, three filters, and the user id of the pod", of=POD)
def _(keeper):
    name, _ = keeper.start(plan(["/bin/grep", "-E", "^(Cap|NoNewPrivs|Seccomp:|Uid|Gid)", "/proc/self/status"]), uid=UID_LEAST + 7)
    lines = keeper.finish(name).output("stdout").decode().splitlines()
    same([line.split("\t")[1] for line in lines],
         [str(UID_LEAST + 7)] * 2 + ["0" * 16] * 3 + [keeper.bounding_set, "0" * 16] + ["1", "2"])


@rule("the disk is full at its limit", of=POD)
def _(keeper):
    record = keeper.python("import os\nfd=os.open('x',os.O_CREAT|os.O_WRONLY)\ntry: os.posix_fallocate(fd,0,8<<20)\n"
                           "except OSError as e: print(e.errno)", disk_bytes=4 << 20)
    same(record.output("stdout"), b"28\n")


@rule("where memory is short, the program goes before the keeper", of=POD)
def _(keeper):
    record = keeper.shell("cat /proc/1/oom_score_adj /proc/self/oom_score_adj")
    own, program = map(int, record.output("stdout").split())
    assert own < program == 1000, record


@rule("no signal from inside does anything to the keeper", of=POD)
def _(keeper):
    record = keeper.python("""
import ctypes, os, signal
libc = ctypes.CDLL(None)
for number in range(1, 65):
    if number in (32, 33): continue
    try: os.kill(1, number)
    except OSError: pass  # landlock may refuse it altogether
    info = (ctypes.c_int * 32)()
    info[0], info[2] = number, -1  # SI_QUEUE, and no sender
    libc.syscall(129, 1, number, info)
print('alive')
""")
    same((record.ending, record.killed, record.output("stdout")), (("code", 0), "none", b"alive\n"))


@rule("a signal to all processes, that a process can catch, leaves init at its work", of=POD)
def _(keeper):
    record = keeper.python("import os, signal, time\n"
                           "if not os.fork(): time.sleep(60)\n"
                           "os.kill(-1, signal.SIGTERM)\n"
                           "print(os.WTERMSIG(os.wait()[1]), signal.pthread_sigmask(signal.SIG_BLOCK, ()))")
    same((record.ending, record.output("stdout")), (("code", 0), b"15 set()\n"))


@rule("who kills init has killed himself, and nobody else is to blame", of=POD)
def _(keeper):
    record = keeper.python("import os, time\nos.kill(2, 9)\ntime.sleep(60)")
    if record.ending == ("code", 0) or record.ending[0] == "code":
        assert b"PermissionError" in record.output("stderr"), record  # landlock, since Linux 6.12
    else:
        same((record.ending, record.evidence_errno, record.killed), (("signal", 9), 0, "none"))


@rule("an init that is stopped does not stop the time", of=POD)
def _(keeper):
    record = keeper.python("import os, signal, time\ntry: os.kill(2, signal.SIGSTOP)\nexcept OSError: pass\ntime.sleep(60)", wall_time_ms=500)
    same(record.killed, "wall_time")


@rule("what a program writes where the message goes counts for nothing", of=POD)
def _(keeper):
    record = keeper.python("try: open('/assay-termination', 'w').write('assay-record AAAA AAAA' * 1000)\n"
                           "except OSError: pass\n"
                           "print('done')")
    same((record.ending, record.output("stdout")), (("code", 0), b"done\n"))


@rule("a program that fills all that it can write to has its verdict all the same", of=POD)
def _(keeper):
    record = keeper.python("""
import os
for place in ('/assay', '/tmp', '/dev/shm', '/box/work'):
    try:
        with open(f'{place}/full', 'wb') as file:
            while file.write(bytes(1 << 20)): pass
    except OSError: pass
    for name in os.listdir('/assay'):
        try: os.unlink(f'/assay/{name}')
        except OSError: pass
print('x' * 100000)
""", disk_bytes=4 << 20, file_bytes=64 << 20)
    same((record.ending, len(record.output("stdout"))), (("code", 0), 100001))


@rule("of fifty megabytes head and tail come out, and each byte is counted", of=POD)
def _(keeper):
    record = keeper.python("import sys\nfor i in range(50 << 10): sys.stdout.write('%1023d\\n' % i)\nsys.stderr.write('end')")
    whole = b"".join(b"%1023d\n" % i for i in range(50 << 10))
    same((record.stdout_bytes, record.stdout_omitted_bytes), (len(whole), len(whole) - (1 << 20)))
    same(record.output("stdout") == whole[:1 << 19] + whole[-(1 << 19):], True)
    same(record.output("stderr"), b"end")


@rule("bytes of any kind, without a line's end, come out as they went in", of=POD)
def _(keeper):
    record = keeper.python("import os\nos.write(1, bytes(range(256)) * 300)\nos.close(1)\nos.write(2, b'\\0\\n\\0')")
    same((record.ending, record.output("stdout"), record.output("stderr")), (("code", 0), bytes(range(256)) * 300, b"\0\n\0"))


@rule("output comes while the program runs", of=POD)
def _(keeper):
    name = started(keeper, ["/bin/sh", "-c", "echo before; sleep 20"])
    os.kill(keeper.pid(name), signal.SIGTERM)
    record = keeper.finish(name)
    same((record.evidence_errno != 0, record.message, record.output("stdout")), (True, "stopped from outside", b"before\n"))


@rule("a log that nobody reads holds up neither program nor limits, and all of it comes later", of=POD)
def _(keeper):
    name = keeper.prepare(plan(["/usr/bin/python3", "-c", "print('y' * 400000, flush=True)\nwhile True: pass"], wall_time_ms=1500))
    reading, writing = os.pipe()
    begin = time.monotonic()
    container = keeper.launch(name, log=writing)
    keeper.await_condition(lambda: keeper.message(name), 20)
    assert time.monotonic() - begin < 15
    same(container.poll(), None)
    with os.fdopen(reading, "rb") as log:
        frames = frames_of(log.read(), keeper.keys[name])
    same(container.wait(10), 0)
    same(sum(len(data) for kind, _, data in frames if kind == "stdout"), 400001)
    assert b"\nkilled wall_time\n" in frames[-1][2], frames[-1]


@rule("a plan is joined of its parts, and a large one too", of=POD)
def _(keeper):
    content = os.urandom(3 << 20)
    name, _ = keeper.start(plan(["/usr/bin/cmp", "a", "b"], [("a", content), ("b", content)], memory_bytes=64 << 20))
    same(keeper.finish(name).ending, ("code", 0))


@rule("without a key or a plan, or with nonsense for one, nothing is started, and why is said", of=POD)
def _(keeper):
    for file, nonsense, text in (("plan", b"nonsense", "not a plan of version 1"), ("plan", None, "cannot take the plan"),
                                 ("key", None, "cannot take the key"), ("key", b"short", "the key is too short")):
        name = keeper.prepare(plan(["/bin/true"]))
        path = Path(keeper.directory, name, "assay", file)
        path.unlink()
        if nonsense:
            path.write_bytes(nonsense)
        same(keeper.launch(name).wait(10), NOT_STARTED)
        message = keeper.message(name).decode()
        assert message.startswith(f"assay-failure {text}"), message
        same([kind for kind, _, _ in keeper.frames(name)], ["failure"])


@rule("what was started in this pod is not started again", of=POD)
def _(keeper):
    name = keeper.prepare(plan(["/bin/true"]))
    Path(keeper.directory, name, "assay/start").write_bytes(b"")
    same(keeper.launch(name).wait(10), NOT_STARTED)
    same((keeper.frames(name), keeper.message(name)), ([], b""))


@rule("a user id that others could have is not taken for a limit of processes", features=["memory"], of=POD)
def _(keeper):
    private = features_of(keeper.run(["/bin/true"]).isolation)
    name, _ = keeper.start(plan(["/bin/true"]), uid=65534)
    same(private - features_of(keeper.finish(name).isolation), {"processes", "uid"})
    assert private | {"landlock", "disk"} == set(FEATURES) - {"kill", "user_namespace"} | {"disk"}, private


@rule("root, or without its own pid namespace, it starts nothing", of=POD)
def _(keeper):
    name = keeper.prepare(plan(["/bin/true"]))
    ended = subprocess.run([keeper.binary, "--pod", Path(keeper.directory, name, "assay"), "--name", name], capture_output=True, check=False)
    same(ended.returncode, NOT_STARTED)
    assert b"not an ordinary user's first process" in ended.stderr, ended.stderr

