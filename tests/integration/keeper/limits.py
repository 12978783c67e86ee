"""Limits: each enforced, measured, and told apart from what a program does on its own."""

import os
import signal
import time

from keeper_driver import plan
from rules import CONTAINER, SLOT, rule, same


@rule("a busy loop ends at its CPU limit, and at no less")
def _(keeper):
    record = keeper.python("while 1: pass", cpu_time_ms=300)
    same(record.killed, "cpu_time")
    assert 300_000 <= record.cpu_time_us < 600_000, record


@rule("a sleeper ends at its wall limit, though it ignores SIGTERM and SIGALRM")
def _(keeper):
    record = keeper.shell("trap '' TERM ALRM HUP INT; sleep 20", wall_time_ms=300)
    same(record.killed, "wall_time")
    assert 300_000 <= record.wall_time_us < 600_000, record


@rule("CPU time of children that were waited for counts, and of threads")
def _(keeper):
    same(keeper.shell("while :; do python3 -c 'for i in range(300000): pass'; done", cpu_time_ms=400).killed, "cpu_time")
    record = keeper.python("import threading\nf=lambda: [hash(str(i)) for i in iter(int, 1)]\n"
                           "[threading.Thread(target=f).start() for _ in range(4)]", cpu_time_ms=300)
    same(record.killed, "cpu_time")


@rule("stopping itself is no way around the wall limit")
def _(keeper):
    same(keeper.shell("kill -STOP $$", wall_time_ms=300).killed, "wall_time")


@rule("memory over the limit is out of memory")
def _(keeper):
    record = keeper.python("b=bytearray(200<<20)\nfor i in range(0,len(b),4096): b[i]=1\nimport time; time.sleep(3)",
                           memory_bytes=64 << 20)
    assert record.oom_kills or record.killed == "memory", record
    same(record.ending, ("signal", 9))


@rule("memory that is never touched is not used")
def _(keeper):
    same(keeper.python("import mmap; m=mmap.mmap(-1, 1<<30); print(len(m))", memory_bytes=64 << 20).ending, ("code", 0))


@rule("two children are over the limit together")
def _(keeper):
    record = keeper.python("import os,time\nfor i in range(2):\n"
                           " if not os.fork():\n  b=b'x'*(40<<20); time.sleep(5); os._exit(0)\n"
                           "for i in range(2):\n pid, s = os.wait(); print(os.WIFSIGNALED(s))\n", memory_bytes=64 << 20)
    assert record.oom_kills or record.killed == "memory", record


@rule("files in the box count against the memory")
def _(keeper):
    record = keeper.python("f=open('/tmp/x','wb')\nfor i in range(100): f.write(b'x'*(1<<20)); f.flush()\n",
                           memory_bytes=48 << 20, disk_bytes=200 << 20, file_bytes=200 << 20)
    assert record.oom_kills or record.killed == "memory", record


@rule("whoever fills the memory with files, and is small itself, leaves its keeper room", features=["memory"])
def _(keeper):
    if keeper.is_cramped:
        return  # the corpus asks this of the keeper that is shipped (memory/files-in-memory.py)
    record = keeper.shell("exec head -c 200000000 /dev/zero > /tmp/x", memory_bytes=48 << 20, disk_bytes=300 << 20, file_bytes=300 << 20)
    assert record.oom_kills or record.killed == "memory", record


@rule("a child that is killed for memory leaves the program its own end", features=["memory"])  # a sampler kills the whole tree
def _(keeper):
    record = keeper.python("import os\nif not os.fork():\n b=b'x'*(200<<20)\n os._exit(0)\nos.wait(); print('alive')",
                           memory_bytes=64 << 20)
    same((record.ending, record.output("stdout")), (("code", 0), b"alive\n"))
    assert record.oom_kills >= 1, record


@rule("a fork bomb stays within its limit and ends", features=["processes"])
def _(keeper):
    record = keeper.shell("f() { f | f & }; f; sleep 0.4", processes=32, wall_time_ms=1500)
    assert record.processes_peak <= 32, record
    record = keeper.python("import os\nn=0\ntry:\n while 1:\n  if not os.fork(): os.pause() if hasattr(os,'pause') else __import__('time').sleep(9)\n  n+=1\n"
                           "except OSError: print(n)", processes=20)
    same(record.output("stdout"), b"19\n")


@rule("threads count as processes", features=["processes"])
def _(keeper):
    record = keeper.python("import threading,time\nn=1\ntry:\n while 1: threading.Thread(target=time.sleep,args=(9,),daemon=True).start(); n+=1\n"
                           "except RuntimeError: print(n, flush=True)\nimport os; os._exit(0)", processes=10)
    same(record.output("stdout"), b"10\n")


@rule("the disk is full at its limit, in bytes and in files", of=(SLOT, CONTAINER))
def _(keeper):
    record = keeper.python("import os\nfd=os.open('x',os.O_CREAT|os.O_WRONLY)\ntry:\n os.posix_fallocate(fd,0,8<<20)\n"
                           "except OSError as e: print(e.errno)\nos.unlink('x')\nn=0\ntry:\n while 1:\n  open(f'f{n}','w').close(); n+=1\n"
                           "except OSError as e: print(e.errno, n<2000)", disk_bytes=1 << 20)
    same(record.output("stdout"), b"28\n28 True\n")


@rule("a file over its limit is SIGXFSZ")
def _(keeper):
    record = keeper.shell("head -c 3000000 /dev/zero > big", file_bytes=1 << 20)
    assert record.ending == ("code", 128 + 25) or record.ending == ("signal", 25), record


@rule("no core is dumped, and limits cannot be raised")
def _(keeper):
    record = keeper.python("import resource as r\nprint(r.getrlimit(r.RLIMIT_CORE))\n"
                           "try: r.setrlimit(r.RLIMIT_FSIZE,(1<<40,1<<40))\nexcept ValueError: print('no')")
    same(record.output("stdout"), b"(0, 0)\nno\n")


@rule("a program that ends on its own at its limit keeps its own end")
def _(keeper):
    for _ in range(15):
        record = keeper.python("import time; time.sleep(0.2); raise SystemExit(4)", wall_time_ms=225)
        assert (record.ending, record.killed) in ((("code", 4), "none"), (("signal", 9), "wall_time")), record


@rule("a keeper that stood still past the time limit does not blame the program")
def _(keeper):
    name, _ = keeper.start(plan(["/bin/sh", "-c", "echo before; sleep 20"], wall_time_ms=200))
    keeper.await_output(name, "stdout", b"before\n")
    os.kill(keeper.pid(name), signal.SIGSTOP)
    time.sleep(2.5)
    os.kill(keeper.pid(name), signal.SIGCONT)
    record = keeper.finish(name)
    same((record.killed, record.message, record.output("stdout")),
         ("none", "the sandbox or its host stood still past the time limit", b"before\n"))
    assert record.evidence_errno, record


@rule("a program that ended while its keeper stood still has its own end")
def _(keeper):
    name, _ = keeper.start(plan(["/bin/sh", "-c", "echo before; sleep 0.3; exit 5"], wall_time_ms=400))
    keeper.await_output(name, "stdout", b"before\n")
    os.kill(keeper.pid(name), signal.SIGSTOP)
    time.sleep(0.7)
    os.kill(keeper.pid(name), signal.SIGCONT)
    same(keeper.finish(name).ending, ("code", 5))


@rule("what the keeper does for a program is not the program's CPU time", features=["cpu"])
def _(keeper):
    record = keeper.python("import os, resource\nfor i in range(2000): os.write(1, b'x' * 65536)\n"
                           "u = resource.getrusage(resource.RUSAGE_SELF); os.write(2, b'%d' % ((u.ru_utime + u.ru_stime) * 1e6))",
                           output_bytes=1 << 20)
    own_us = int(record.output("stderr"))
    assert own_us * 0.8 - 20_000 < record.cpu_time_us < own_us * 1.2 + 20_000, (own_us, record)


@rule("output is put in order in the keeper's own memory, however little of it there is", features=["memory"])
def _(keeper):
    record = keeper.python("import os\nfor i in range(950): os.write(1, b'%07d\\n' % i * 8192)", output_bytes=40 << 20,
                           memory_bytes=8 << 20, wall_time_ms=20000)
    whole = b"".join(b"%07d\n" % i * 8192 for i in range(950))
    same((record.ending, record.output("stdout") == whole[: 20 << 20] + whole[-20 << 20 :]), (("code", 0), True))
