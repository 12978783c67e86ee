"""What programs write, byte by byte and in order."""

import hashlib

from rules import rule, same

KEPT = 1000


def kept(data, limit):
    """Head and tail, as wire/record.h says."""
    if len(data) <= limit:
        return data
    head = (limit + 1) // 2
    return data[:head] + (data[-(limit - head):] if limit > head else b"")


@rule("bytes are kept as written: NUL, invalid UTF-8, no newline at the end")
def _(keeper):
    data = bytes(range(256)) * 3
    record = keeper.python("import sys; sys.stdout.buffer.write(bytes(range(256))*3)")
    same(record.output("stdout"), data)
    same(record.stdout_bytes, len(data))


@rule("exactly the limit is kept whole, one more loses one byte in the middle")
def _(keeper):
    for size in (KEPT - 1, KEPT, KEPT + 1, KEPT + 2, 3 * KEPT + 7, 100 * KEPT + 1):
        record = keeper.python(f"import sys; sys.stdout.write(''.join(chr(33+i%90) for i in range({size})))",
                               output_bytes=KEPT)
        data = bytes(33 + i % 90 for i in range(size))
        same(record.output("stdout"), kept(data, KEPT))
        same((record.stdout_bytes, record.stdout_omitted_bytes), (size, max(0, size - KEPT)))


@rule("a limit of none or one byte keeps none or one byte")
def _(keeper):
    for limit in (0, 1, 2, 3):
        record = keeper.shell("printf abcdefgh; printf 12345 >&2", output_bytes=limit)
        same(record.output("stdout"), kept(b"abcdefgh", limit))
        same(record.output("stderr"), kept(b"12345", limit))


@rule("a megabyte written just before _exit is all there")
def _(keeper):
    record = keeper.python("import os; d=os.urandom(1<<19).hex().encode(); os.write(2, __import__('hashlib').md5(d).hexdigest().encode());"
                           "n=0\nwhile n<len(d): n+=os.write(1, d[n:])\nos._exit(0)")
    same(record.output("stderr").decode(), hashlib.md5(record.output("stdout")).hexdigest())
    same(record.stdout_bytes, 1 << 20)


@rule("a flood keeps head and tail, and is counted to the last byte")
def _(keeper):
    record = keeper.shell("i=0; head -c 30000000 /dev/zero | tr '\\0' x; echo end", output_bytes=4096)
    same((record.stdout_bytes, record.ending), (30000004, ("code", 0)))
    same(record.output("stdout")[-5:], b"xend\n")
    same(len(record.output("stdout")), 4096)


@rule("a flood over the limit is killed where that was asked for")
def _(keeper):
    record = keeper.run(["/usr/bin/yes"], output_bytes=5000, kill_on_output=True)
    same((record.killed, len(record.output("stdout"))), ("output", 5000))


@rule("the order of writes to both streams is kept: shell")
def _(keeper):
    for _ in range(10):
        record = keeper.shell("echo 1; echo 2 >&2; echo 3; echo 4 >&2; echo 5; /bin/echo 6 >&2; /bin/echo 7; echo 8 >&2")
        same(record.merged(), [("stdout" if i % 2 else "stderr", f"{i}\n".encode()) for i in range(1, 9)])


@rule("the order of writes to both streams is kept: Python, hundreds of times")
def _(keeper):
    record = keeper.python("import sys\nfor i in range(400):\n print(i, flush=True)\n print(-i, file=sys.stderr)\n")
    expected = []
    for i in range(400):
        expected += [("stdout", b"%d\n" % i), ("stderr", b"%d\n" % -i)]
    same(record.merged(), expected)


@rule("the order is kept for large writes, and through children")
def _(keeper):
    record = keeper.python("import os,subprocess\nfor i in range(5):\n"
                           " subprocess.run(['/usr/bin/head','-c','300000','/dev/zero'])\n"
                           " subprocess.run(['/bin/sh','-c','head -c 200000 /dev/zero >&2'])\n", output_bytes=4 << 20)
    same([(s, len(b)) for s, b in record.merged()], [("stdout", 300000), ("stderr", 200000)] * 5)


@rule("closing 1 and 2 is no failure")
def _(keeper):
    record = keeper.python("import os; os.close(1); os.close(2)")
    same((record.ending, record.stdout_bytes, record.stderr_bytes), (("code", 0), 0, 0))


@rule("an orphan that holds the pipe delays nobody")
def _(keeper):
    record = keeper.shell("(sleep 100; echo late) & echo early")
    same((record.ending, record.output("stdout")), (("code", 0), b"early\n"))
    assert record.wall_time_us < 1_000_000, record


@rule("O_NONBLOCK on the program's end changes nothing for the keeper")
def _(keeper):
    record = keeper.python("import os,fcntl\nos.set_blocking(1, False)\nn=0\nwhile n<300000:\n"
                           " try: n+=os.write(1,b'x'*(300000-n))\n except BlockingIOError: pass\n")
    same(record.stdout_bytes, 300000)


@rule("a program may open /dev/stdout, /dev/stderr and /dev/stdin")
def _(keeper):
    record = keeper.run(["/bin/sh", "-c", "cat /dev/stdin > /dev/stdout; echo e > /dev/stderr; cat /proc/self/fd/0"],
                        stdin=b"given\n")
    same((record.ending, record.output("stdout"), record.output("stderr")), (("code", 0), b"given\ngiven\n", b"e\n"))


@rule("a program that does not read a large input waits for nothing, and one that does gets all of it")
def _(keeper):
    same(keeper.run(["/bin/true"], stdin=b"x" * (8 << 20)).ending, ("code", 0))
    record = keeper.run(["/usr/bin/wc", "-c"], stdin=b"x" * (8 << 20))
    same(record.output("stdout"), b"%d\n" % (8 << 20))


@rule("the input cannot be changed, and without one there is an end of file")
def _(keeper):
    same(keeper.shell("echo no >&0").ending[0], "code")
    assert keeper.run(["/bin/sh", "-c", "echo no > /dev/stdin"], stdin=b"x").ending != ("code", 0)
    same(keeper.run(["/bin/cat"]).stdout_bytes, 0)


@rule("what was written before a limit is kept")
def _(keeper):
    record = keeper.shell("echo before; echo error >&2; sleep 9", wall_time_ms=300)
    same((record.killed, record.output("stdout"), record.output("stderr")), ("wall_time", b"before\n", b"error\n"))


@rule("the last line of a killed flood is no reason to wait")
def _(keeper):
    record = keeper.run(["/usr/bin/yes"], wall_time_ms=300)
    same(record.killed, "wall_time")
    assert record.wall_time_us < 1_500_000 and record.stdout_omitted_bytes > 0, record
