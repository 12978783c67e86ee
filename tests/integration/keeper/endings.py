"""How programs end, and what is said of it."""

import signal

from keeper_driver import STARTED, plan
from rules import CONTAINER, SLOT, rule, same


@rule("an uncaught exception is exit code 1 with the whole traceback")
def _(keeper):
    record = keeper.python("print(1/0)")
    same(record.ending, ("code", 1))
    same(record.output("stderr").splitlines()[-1], b"ZeroDivisionError: division by zero")
    same(record.output("stderr").splitlines()[0], b"Traceback (most recent call last):")


@rule("every exit code is told as it is, 137 too")
def _(keeper):
    for code in (0, 1, 3, 124, 127, 137, 255):
        same(keeper.shell(f"exit {code}").ending, ("code", code))


@rule("every deadly signal to itself is told as it is, and is nobody's kill")
def _(keeper):
    for name in ("SIGSEGV", "SIGFPE", "SIGABRT", "SIGBUS", "SIGKILL", "SIGTERM", "SIGPIPE", "SIGALRM", "SIGRTMIN"):
        number = getattr(signal, name)
        record = keeper.python(f"import os,signal;signal.signal({int(number)},signal.SIG_DFL) if {int(number)} != 9 else 0;"
                               f"os.kill(os.getpid(),{int(number)})")
        same((name, record.ending, record.killed), (name, ("signal", int(number)), "none"))


@rule("a real crash in C is SIGSEGV, and stays within the sandbox")
def _(keeper):
    same(keeper.python("import ctypes; ctypes.string_at(0)").ending, ("signal", 11))


@rule("a missing command is not started, and says so")
def _(keeper):
    for command in ("no-such-command", "/usr/bin/no-such-command", "./no-such-file"):
        record = keeper.run([command])
        same(record.ending, ("not_started", 2))
        same(record.message, f'command not found: "{command}"')


@rule("a script whose interpreter is missing is not started, and names it")
def _(keeper):
    record = keeper.run(["./run"], [("run", "#!/no/such/interpreter -x\n", True)])
    same(record.ending, ("not_started", 2))
    same(record.message, 'bad interpreter: "./run" names "/no/such/interpreter", which is not there')


@rule("a file without the right to execute it is not started")
def _(keeper):
    record = keeper.run(["./run"], [("run", "#!/bin/sh\n")])
    same(record.ending, ("not_started", 13))
    same(record.message, 'not executable: "./run"')


@rule("a file that is no program is not started")
def _(keeper):
    record = keeper.run(["./run"], [("run", "echo hello\n", True)])
    same(record.ending, ("not_started", 8))


@rule("arguments and variables up to a megabyte arrive")
def _(keeper):
    record = keeper.run(["/bin/sh", "-c", "printf '%s' \"$*\" | wc -c", "sh"] + ["x" * 100000] * 5, env=["V=" + "y" * 120000])
    same(record.output("stdout"), b"500004\n")


@rule("files that contradict each other are the plan's fault, and the attempt has a record")
def _(keeper):
    for files in ([("a", "1"), ("a", "2")], [("a", "1"), ("a/b", "2")], [("a/b", "1"), ("a", "2")]):
        record = keeper.run(["/bin/true"], files)
        same(record.kind, "not_started")
        assert record.message.startswith('file "a'), record


@rule("files that do not fit are the plan's fault")
def _(keeper):
    record = keeper.run(["/bin/true"], [("big", b"x" * (1 << 20))], disk_bytes=1 << 16)
    same(record.ending, ("not_started", 28))


@rule("a compiled program runs, and its compiler's output is kept apart", needs="gcc")
def _(keeper):
    source = '#warning "noted"\n#include <stdio.h>\nint main(void) { puts("ran"); return 7; }\n'
    record = keeper.run(["./main"], [("main.c", source)], compile=["gcc", "-o", "main", "main.c"], wall_time_ms=20000,
                        cpu_time_ms=20000)
    same((record.step, record.ending, record.output("stdout")), ("run", ("code", 7), b"ran\n"))
    assert b"noted" in record.output("compile"), record
    same(record.output("stderr"), b"")


@rule("a failed compilation is the end, and its output is the standard error", needs="gcc")
def _(keeper):
    record = keeper.run(["./main"], [("main.c", "int main(void) { return x; }\n")], compile=["gcc", "-o", "main", "main.c"],
                        wall_time_ms=20000)
    same((record.step, record.ending, record.output("compile")), ("compile", ("code", 1), b""))
    assert b"undeclared" in record.output("stderr"), record
    same(record.stderr_bytes, len(record.output("stderr")))


@rule("what a compile step leaves running is gone before the run")
def _(keeper):
    record = keeper.run(["/bin/sh", "-c", "ls -d /proc/[0-9]* | wc -l; cat left 2>/dev/null; true"],
                        compile=["/bin/sh", "-c", "(sleep 1; echo still here > left) & sleep 0.05"])
    same(record.ending, ("code", 0))
    assert int(record.output("stdout").split()[0]) <= 3 + len(keeper.own_processes), record


@rule("the limits of time apply to the compile step by itself")
def _(keeper):
    record = keeper.run(["/bin/sh", "-c", "sleep 0.4; echo ok"], compile=["/bin/sh", "-c", "sleep 0.4"], wall_time_ms=700)
    same((record.step, record.ending), ("run", ("code", 0)))
    record = keeper.run(["/bin/true"], compile=["/bin/sh", "-c", "sleep 9"], wall_time_ms=200)
    same((record.step, record.killed), ("compile", "wall_time"))


@rule("a cancelled program is killed for that reason", of=(SLOT, CONTAINER))
def _(keeper):
    name, answer = keeper.start(plan(["/bin/sh", "-c", "echo before; sleep 20"]))
    same(answer["type"], STARTED)
    keeper.await_output(name, "stdout", b"before\n")
    keeper.kill(name, "cancelled")
    record = keeper.finish(name)
    same((record.killed, record.output("stdout")), ("cancelled", b"before\n"))


@rule("SIGTERM handled with exit 0 is a success, whatever else goes on")
def _(keeper):
    same(keeper.shell("trap 'exit 0' TERM; kill -TERM $$; sleep 5").ending, ("code", 0))
