#!/usr/bin/python3
"""The command line as its users see it: exit statuses, bytes, lines. Against a fake server, which can be as odd as need
be, and against the real daemon where one is given.

    test_cli.py ASSAY [ASSAYD KEEPER]
"""

import base64
import contextlib
import json
import os
import pty
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1]))

from harness.tap import Tap  # noqa: E402
from fake_assayd import Fake  # noqa: E402

ASSAY = os.path.abspath(sys.argv[1])
ASSAYD, KEEPER = (os.path.abspath(path) for path in sys.argv[2:4]) if len(sys.argv) > 3 else (None, None)
SECONDS = 60
ODD_BYTES = bytes(range(256)) + b"\xff\xfe no line feed"


class Result:
    def __init__(self, status, out, err):
        self.status, self.out, self.err = status, out, err

    def __str__(self):
        return f"status {self.status}, stdout {self.out[:300]!r}, stderr {self.err[:600]!r}"


def environment(**more):
    keep = {name: value for name, value in os.environ.items() if name.endswith("SAN_OPTIONS")}
    return keep | {"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"} | more


def assay(*arguments, stdin=b"", **more):
    done = subprocess.run([ASSAY, *arguments], input=stdin, capture_output=True, timeout=SECONDS, env=environment(**more))
    return Result(done.returncode, done.stdout, done.stderr.decode(errors="replace"))


def expect(condition, what):
    if not condition:
        raise AssertionError(str(what))


def expect_status(result, status):
    expect(result.status == status, f"expected status {status}: {result}")


def b64(data):
    return base64.b64encode(data).decode()


@contextlib.contextmanager
def directory():
    path = tempfile.mkdtemp(prefix="assay-cli-")
    try:
        yield Path(path)
    finally:
        shutil.rmtree(path, ignore_errors=True)


@contextlib.contextmanager
def script_file(**script):
    with directory() as path:
        file = path / "program.fake"
        file.write_text(json.dumps(script))
        yield str(file)


def run_script(*options, **script):
    with Fake() as fake, script_file(**script) as file:
        return assay("run", "--server", fake.address, *options, file)


def verdict(kind, code=None, signal_=None, reason=""):
    return {"kind": kind, "exit_code": code, "signal": signal_, "reason": reason}


# ---- verdicts and bytes


def the_exit_status_is_the_verdict():
    cases = [
        (verdict("completed", 0), 0, ""),
        (verdict("failed", 3), 3, ""),
        (verdict("failed", None, "SIGSEGV", "killed by SIGSEGV"), 139, "assay: failed: killed by SIGSEGV\n"),
        (verdict("timed_out", None, "SIGKILL", "1 s passed"), 124, "assay: timed out: 1 s passed\n"),
        (verdict("out_of_memory", None, "SIGKILL", "64 MiB"), 137, "assay: out of memory: 64 MiB\n"),
        (verdict("output_exceeded", None, "SIGKILL", "1 MiB"), 153, "assay: too much output: 1 MiB\n"),
        (verdict("cancelled", None, None, "asked for"), 125, "assay: cancelled: asked for\n"),
        (verdict("not_started", None, None, "no python"), 125, "assay: not started: no python\n"),
        (verdict("lost", None, None, "the keeper died"), 125, "assay: lost: the keeper died\n"),
        (verdict("splendid", 0), 125, "assay: splendid\n"),
    ]
    for given, status, line in cases:
        result = run_script(verdict=given)
        expect_status(result, status)
        expect(result.err == line, f"{given}: {result}")
        with Fake() as fake, script_file(verdict=given) as file:
            id_ = assay("submit", "--server", fake.address, file).out.decode().strip()
            waited = assay("wait", "--server", fake.address, id_)
            expect_status(waited, status)
            expect(waited.out.decode() == given["kind"] + "\n", waited)


def output_is_byte_exact():
    big = os.urandom(1 << 18) * 8
    for out, err in [(ODD_BYTES, b"\0"), (b"", ODD_BYTES), ("äöü€\0\x1b[1m\n".encode(), b"plain\n"), (big, big[::-1])]:
        with Fake() as fake, script_file(stdout=b64(out), stderr=b64(err), verdict=verdict("failed", 1)) as file:
            done = subprocess.run([ASSAY, "run", "--server", fake.address, file], capture_output=True, timeout=SECONDS,
                                  env=environment())
            expect(done.stdout == out, f"stdout: {len(done.stdout)} of {len(out)} bytes, or others")
            expect(done.stderr == err, f"stderr: {len(done.stderr)} of {len(err)} bytes, or others: {done.stderr[:200]}")
            for stream, data in [("stdout", out), ("stderr", err), ("output", out + err)]:
                logs = assay("logs", "--server", fake.address, fake.last.id, "--stream", stream)
                expect(logs.status == 0 and logs.out == data, f"logs of {stream}: {logs}")


def what_was_left_out_is_said():
    result = run_script(stdout=b64(b"headtail"), omitted=1000)
    expect(result.out == b"headtail", result)
    expect("stdout: 1000 of 1008 bytes are left out" in result.err, result)


def on_a_terminal(*arguments, **more):
    """All that a command writes when its standard output and error are one terminal."""
    leader, follower = pty.openpty()
    process = subprocess.Popen([ASSAY, *arguments], stdin=subprocess.DEVNULL, stdout=follower, stderr=follower,
                               env=environment(TERM="xterm", **more))
    os.close(follower)
    said = b""
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        if select.select([leader], [], [], 1)[0]:
            try:
                part = os.read(leader, 65536)
            except OSError:  # EIO: the other side is closed
                break
            if not part:
                break
            said += part
    os.close(leader)
    process.wait(SECONDS)
    return said


def escapes_are_inert_on_a_terminal():
    evil = b"before\x1b]0;owned\x07\r\xc2\x9b31m\x9bafter\n"
    with Fake() as fake, script_file(stdout=b64(evil), stderr=b64(evil), verdict=verdict("failed", 1)) as file:
        said = on_a_terminal("run", "--server", fake.address, file)
        expect(b"before\\u001b]0;owned\\u0007\\u000d\\u009b31m\\x9bafter" in said, said)
        for command in (["run", file], ["logs", fake.last.id], ["get", "--json", fake.last.id]):
            said = on_a_terminal(*command, "--server", fake.address) if command[0] != "run" else \
                on_a_terminal("run", "--json", "--server", fake.address, file)
            for byte in (b"\x1b", b"\x07", b"\xc2\x9b"):
                expect(byte not in said, f"{command}: {said!r}")
            expect(b"after" in said, f"{command}: {said!r}")


def escapes_are_inert_in_tables_and_messages_everywhere():
    evil = "a\x1b[31m\nb\u202e"
    with Fake() as fake, script_file(verdict=verdict("timed_out", None, None, evil)) as file:
        ran = assay("run", "--server", fake.address, "--label", "l=" + evil, file)
        seen = [assay(*command, "--server", fake.address) for command in
                (["list"], ["get", fake.last.id], ["doctor"], ["get", "no\x1b[31mid"])]
        for result in [ran, *seen]:
            expect("\x1b" not in result.out.decode() + result.err, result)
        expect("a\\u001b[31m\\u000ab\\u202e" in ran.err, ran)
        expect(b"a\\u001b[31m\\u000ab\\u202e" in seen[0].out, seen[0])
        expect("no evaluation no\\u001b[31mid" in seen[3].err, seen[3])


def weak_isolation_is_told_to_a_person():
    with Fake() as fake, script_file(isolation="partial") as file:
        said = on_a_terminal("run", "--server", fake.address, file)
        expect(b"assay: isolation was partial; see assay doctor" in said, said)
        piped = assay("run", "--server", fake.address, file)
        expect(piped.err == "", piped)


def json_is_the_servers():
    with Fake() as fake, script_file(verdict=verdict("failed", 3), stdout=b64(b"x\n")) as file:
        ran = assay("run", "--json", "--server", fake.address, file)
        expect_status(ran, 3)
        expect(json.loads(ran.out) == fake.last.json() and ran.out.count(b"\n") == 1, ran)
        for command in ("get", "wait", "cancel"):
            result = assay(command, "--json", "--server", fake.address, fake.last.id)
            expect(json.loads(result.out) == fake.last.json(), result)
        said = on_a_terminal("get", "--json", "--server", fake.address, fake.last.id)
        expect(json.loads(said) == fake.last.json() and said.count(b"\n") > 10, said)


# ---- what is submitted


def submitted(*arguments, stdin=b""):
    with Fake() as fake:
        result = assay("submit", "--server", fake.address, *arguments, stdin=stdin)
        expect_status(result, 0)
        expect(result.out.decode() == fake.last.id + "\n", result)
        return fake.last.submission


def every_option_reaches_the_server():
    with directory() as path:
        (path / "main.py").write_text("print('ä')")
        (path / "in").write_text("input")
        sent = submitted(
            "--stdin", str(path / "in"), "--env", "A=1=2", "--env=B=", "--wall-time", "10s", "--cpu-time=1500ms",
            "--memory", "256M", "--processes", "3", "--output-limit", "64K", "--disk", "1GiB", "--kill-on-output",
            "--label", "run=42", "--backend", "docker", "--image=python:3.12",
            "--callback-url", "https://judge.example.org/x?y=1", str(path / "main.py"), "--json", "-x")
        expect(sent == {
            "runtime": "python", "code": "print('ä')", "args": ["--json", "-x"], "stdin": "input",
            "backend": "docker", "image": "python:3.12", "callback_url": "https://judge.example.org/x?y=1",
            "env": {"A": "1=2", "B": ""}, "labels": {"run": "42"}, "on_output_limit": "kill",
            "limits": {"wall_time_ms": 10000, "cpu_time_ms": 1500, "memory_bytes": 256 << 20, "processes": 3,
                       "output_bytes": 64 << 10, "disk_bytes": 1 << 30}}, sent)
        expect(submitted(str(path / "main.py")) == {"runtime": "python", "code": "print('ä')"}, "only what was asked for")


def bytes_that_are_no_text_are_sent_as_base64():
    with directory() as path:
        for size in range(4):
            data = b"\xff\0\xfe"[:size]
            (path / "main.py").write_bytes(data)
            sent = submitted("--stdin", "-", str(path / "main.py"), stdin=data)
            if data:
                expect(sent["code_encoding"] == sent["stdin_encoding"] == "base64", sent)
                expect(base64.b64decode(sent["code"]) == base64.b64decode(sent["stdin"]) == data, sent)
            else:
                expect(sent["code"] == sent["stdin"] == "" and "code_encoding" not in sent, sent)


def files_go_beside_the_program():
    with directory() as path:
        (path / "tool").write_text("#!/usr/bin/env python3\n")
        (path / "data").write_bytes(b"\0")
        (path / "data").chmod(0o755)
        sent = submitted("--file", f"sub/data={path}/data", "--runtime", "py", str(path / "tool"))
        expect(sent["runtime"] == "py" and "code" not in sent, sent)
        expect(sent["files"] == [
            {"path": "main.py", "content": "#!/usr/bin/env python3\n"},
            {"path": "sub/data", "content": "AA==", "encoding": "base64", "executable": True}], sent)


def a_command_goes_as_it_is():
    sent = submitted("--command", "--", "sh", "-c", "exit 3", "--runtime")
    expect(sent == {"command": ["sh", "-c", "exit 3", "--runtime"]}, sent)


def code_comes_from_standard_input_too():
    sent = submitted("--runtime", "bash", "-", stdin=b"exit 3\n")
    expect(sent == {"runtime": "bash", "code": "exit 3\n"}, sent)
    expect(submitted("-", stdin=b"#!/bin/bash\n")["runtime"] == "bash", "by its first line")


# ---- trouble


def wrong_usage_is_status_2():
    cases = [
        ((), "usage: assay"),
        (("frobnicate",), "unknown command frobnicate; see assay --help"),
        (("run",), "an operand is missing: FILE"),
        (("get", "a", "b"), "too many operands: b"),
        (("get", "a", "--frob"), "unknown option --frob; see assay get --help"),
        (("run", "--wall-time", "10", "x"), "--wall-time: \"10\" is not a duration"),
        (("run", "--memory", "lots", "x"), "--memory: \"lots\" is not a size"),
        (("run", "--label", "x", "y"), "--label: \"x\" is not KEY=VALUE"),
        (("logs", "a", "--stream", "x"), "is none of output|stdout|stderr|compile"),
    ]
    for arguments, text in cases:
        result = assay(*arguments)
        expect_status(result, 2)
        expect(text in result.err and not result.out, f"{arguments}: {result}")


def every_command_has_help():
    top = assay("--help")
    expect_status(top, 0)
    for command in ("run", "submit", "get", "wait", "logs", "cancel", "list", "doctor", "version"):
        expect(f"  {command} " in top.out.decode(), top)
        result = assay(command, "--help")
        expect_status(result, 0)
        expect(f"usage: assay {command}" in result.out.decode() and "--server URL" in result.out.decode(), result)


def trouble(*odd, command="get"):
    with Fake() as fake:
        assay("submit", "--server", fake.address, "--command", "x")
        fake.odd += odd
        return assay(command, "--server", fake.address, fake.last.id)


def odd_answers_are_errors_with_a_reason():
    cases = [("truncated", "is not a JSON object"), ("array", "is not a JSON object"), ("html", "HTTP 404"),
             ("empty", "HTTP 503"), ("nonsense", "cannot speak with")]
    for word, text in cases:
        result = trouble(word)
        expect_status(result, 1)
        expect(text in result.err and not result.out, f"{word}: {result}")
        expect_status(trouble(word, command="wait"), 125)


def a_problem_is_told_with_every_path():
    result = trouble("problem")
    expect_status(result, 1)
    expect(result.err == "assay: 2 faults\\u001b[31m (HTTP 400)\n  $.limits.memory_bytes: out of range\n"
           "  $.env: odd\\u001b]0;x\\u0007\n", result)


def a_lost_connection_is_made_again():
    for word in ("lose", "cut"):
        expect_status(trouble(word, word), 0)
        expect_status(trouble(word, command="wait"), 0)


def a_lost_submission_is_repeated_under_its_key():
    with Fake() as fake, script_file(odd=["lose"], verdict=verdict("failed", 3)) as file:
        expect_status(assay("run", "--server", fake.address, file), 3)
        posts = [headers["Idempotency-Key"] for method, path, headers in fake.requests if method == "POST"]
        expect(len(posts) == 2 and posts[0] == posts[1] and len(fake.evaluations) == 1, fake.requests)


def nobody_there_is_told_at_once():
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))  # and does not listen
        address = f"http://127.0.0.1:{unused.getsockname()[1]}"
        started = time.monotonic()
        for command, status in ((["get", "x"], 1), (["run", "--command", "x"], 125), (["list"], 1), (["doctor"], 1)):
            result = assay(command[0], "--server", address, *command[1:])
            expect_status(result, status)
            expect(f"no server at {address}" in result.err and "--server" in result.err, result)
        expect(time.monotonic() - started < 10, "it took too long")
    for wrong in ("ftp://x", "127.0.0.1:7117", "unix:", ""):
        result = assay("list", "--server", wrong)
        expect_status(result, 1)
        expect("is not a server" in result.err, result)


def a_file_that_is_not_there_is_told():
    with Fake() as fake:
        result = assay("run", "--server", fake.address, "/nonexistent/x.py")
        expect_status(result, 125)
        expect("cannot open /nonexistent/x.py: No such file" in result.err and not fake.evaluations, result)
        result = assay("run", "--server", fake.address, "/etc/hostname")
        expect("name it with --runtime" in result.err, result)


def a_closed_output_is_no_success():
    read_end, write_end = os.pipe()
    os.close(read_end)
    with Fake() as fake, script_file(stdout=b64(b"x" * 100)) as file:
        done = subprocess.run([ASSAY, "run", "--server", fake.address, file], stdout=write_end, stderr=subprocess.PIPE,
                              timeout=SECONDS, env=environment())
        expect(done.returncode == 125 and b"cannot write" in done.stderr, done)
        with open("/dev/full", "wb") as full:
            done = subprocess.run([ASSAY, "get", "--server", fake.address, fake.last.id], stdout=full,
                                  stderr=subprocess.PIPE, timeout=SECONDS, env=environment())
        expect(done.returncode == 1 and b"cannot write" in done.stderr, done)
    os.close(write_end)


# ---- the other commands


def the_server_is_named_by_option_or_environment():
    with Fake() as one, Fake() as other:
        assay("submit", "--command", "x", ASSAY_SERVER=one.address)
        assay("submit", "--server", other.address, "--command", "x", ASSAY_SERVER=one.address)
        expect(len(one.evaluations) == len(other.evaluations) == 1, "each was asked once")
    with directory() as path, Fake(f"unix:{path}/socket") as fake:
        expect_status(assay("run", "--server", fake.address, "--command", "x"), 0)
        expect(len(fake.evaluations) == 1, "over the socket")


def a_list_goes_on_to_its_last_page():
    with Fake() as fake:
        ids = [assay("submit", "--server", fake.address, "--command", "x").out.decode().strip() for _ in range(5)]
        first = assay("list", "--server", fake.address)
        expect(first.out.decode().count("\n") == 3 and ids[4] in first.out.decode(), first)
        every = assay("list", "--all", "--server", fake.address)
        shown = [line.split()[0] for line in every.out.decode().splitlines()[1:]]
        expect(shown == ids[::-1], every)
        whole = json.loads(assay("list", "--all", "--json", "--server", fake.address).out)
        expect([e["id"] for e in whole["evaluations"]] == ids[::-1] and whole["next_cursor"] is None, whole)
        assay("list", "--status", "a b", "--label", "k=v&", "--limit", "7", "--server", fake.address)
        expect(fake.requests[-1][1] == "/v1/evaluations?status=a%20b&label=k%3Dv%26&limit=7", fake.requests[-1])


def an_id_cannot_leave_its_place_in_the_path():
    with Fake() as fake:
        for odd in ("../../healthz", "a?b=c", "a/b", "%2e"):
            expect_status(assay("get", "--server", fake.address, odd), 1)
            expect(len(fake.requests[-1][1].split("/")) == 4 and "?" not in fake.requests[-1][1], fake.requests[-1])


def cancel_and_get_tell_the_status():
    with Fake() as fake, script_file(open=True) as file:
        id_ = assay("submit", "--server", fake.address, file).out.decode().strip()
        expect(b"running" in assay("get", "--server", fake.address, id_).out, "open")
        expect(assay("cancel", "--server", fake.address, id_).out == b"cancelled\n", "ended")
        shown = assay("get", "--server", fake.address, id_).out.decode()
        for text in ("cancelled", "a client asked", "12 ms", "9.0 MiB"):
            expect(text in shown, shown)


def logs_follow_to_the_end():
    with Fake() as fake, script_file(open=True, stdout=b64(b"all of it\n")) as file:
        id_ = assay("submit", "--server", fake.address, file).out.decode().strip()
        process = subprocess.Popen([ASSAY, "logs", "-f", "--server", fake.address, id_], stdout=subprocess.PIPE,
                                   env=environment())
        expect(process.stdout.readline() == b"all of it\n" and not fake.last.finished.is_set(), "it waited for the end")
        expect(process.poll() is None, "it did not wait")
        fake.last.finished.set()
        out, _ = process.communicate(timeout=SECONDS)
        expect(process.returncode == 0 and out == b"", out)


def what_is_followed_goes_on_where_the_connection_was_lost():
    for cut_after in "state", "output", "end":
        with Fake() as fake, script_file(stdout=b64(ODD_BYTES), stderr=b64(b"error\n"), cut_after=cut_after,
                                         verdict=verdict("failed", 3)) as file:
            done = subprocess.run([ASSAY, "run", "--server", fake.address, file], capture_output=True, timeout=SECONDS,
                                  env=environment())
            expect(done.returncode == 3 and done.stdout == ODD_BYTES and done.stderr == b"error\n", (cut_after, done))
            asked = [path for _, path, _ in fake.requests if "/events" in path]
            expect(len(asked) == (1 if cut_after == "end" else 2), asked)


def what_is_being_fetched_is_told():
    shown = {"status": "preparing", "image": "python:3.12", "timeline": [
        {"status": "queued", "at": "2026-11-22T19:58:00.000Z"},
        {"status": "preparing", "at": "2026-11-22T19:58:00.001Z", "detail": "pulling python:3.12: 3 of 7 layers"}]}
    with Fake() as fake, script_file(open=True, shown=shown) as file:
        id_ = assay("submit", "--server", fake.address, file).out.decode().strip()
        said = assay("get", "--server", fake.address, id_).out.decode()
        expect("image     python:3.12\n" in said and "preparing pulling python:3.12: 3 of 7 layers" in said, said)
        said = assay("list", "--server", fake.address).out.decode()
        expect("preparing" in said and "pulling python:3.12: 3 of 7 layers" in said, said)
        fake.last.finished.set()


def the_doctor_says_what_is_missing():
    with Fake() as fake:
        result = assay("doctor", "--server", fake.address)
        expect_status(result, 0)
        expect("isolation: full" in result.out.decode() and "seccomp" in result.out.decode(), result)
        fake.report |= {"isolation": "partial", "isolation_gaps": ["memory is watched by sampling"]}
        result = assay("doctor", "--server", fake.address)
        expect_status(result, 1)
        expect("isolation: partial\n  memory is watched by sampling\n" in result.out.decode(), result)
        expect(json.loads(assay("doctor", "--json", "--server", fake.address).out) == fake.report, "as it came")
        of_one = {"isolation": "full", "isolation_gaps": [], "checks": fake.report["checks"]}
        fake.report |= of_one | {"backends": [of_one | {"name": "native"}, of_one | {"name": "docker"}]}
        result = assay("doctor", "--server", fake.address)
        expect_status(result, 0)
        expect(all(f"backend: {name}\n" in result.out.decode() for name in ("native", "docker")), result)
        fake.report["backends"][1] |= {"isolation": "none", "isolation_gaps": ["no engine"]}
        result = assay("doctor", "--server", fake.address)
        expect_status(result, 1)  # of all, not of the first
        expect("isolation: none\n  no engine\n" in result.out.decode(), result)


def version_names_both():
    with Fake() as fake:
        result = assay("version", "--server", fake.address)
        expect_status(result, 0)
        expect(f"server: 9.9.9 ({fake.address})" in result.out.decode(), result)
        expect(json.loads(assay("version", "--json", "--server", fake.address).out)["server"] == "9.9.9", "as JSON")
    result = assay("--version", "--server", "unix:/nonexistent")
    expect_status(result, 0)
    expect("server: no server at unix:/nonexistent" in result.out.decode(), result)


# ---- interrupts


@contextlib.contextmanager
def interruptible(*arguments, stdin=subprocess.DEVNULL, **more):
    process = subprocess.Popen([ASSAY, *arguments], stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                               env=environment(**more))
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def wait_until(condition, what):
    deadline = time.monotonic() + SECONDS
    while not condition():
        expect(time.monotonic() < deadline, f"never: {what}")
        time.sleep(0.02)


def is_waited_for(fake):
    return any("/events" in path for _, path, _ in fake.requests)


def ctrl_c_cancels_and_still_tells_the_verdict():
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        with Fake() as fake, script_file(open=True, stdout=b64(b"partial\n")) as file:
            with interruptible("run", "--server", fake.address, file) as process:
                wait_until(lambda: is_waited_for(fake), "a request that waits")
                process.send_signal(number)
                out, err = process.communicate(timeout=SECONDS)
                expect(process.returncode == 125 and out == b"partial\n", (process.returncode, out, err))
                expect(b"assay: cancelled: a client asked\n" in err, err)


def a_second_ctrl_c_gives_up():
    with Fake() as fake, script_file(open=True, stubborn=True) as file:
        with interruptible("run", "--server", fake.address, file) as process:
            wait_until(lambda: is_waited_for(fake), "a request that waits")
            process.send_signal(signal.SIGINT)
            wait_until(lambda: any(path.endswith("/cancel") for _, path, _ in fake.requests), "a cancel")
            time.sleep(0.2)
            process.send_signal(signal.SIGINT)
            _, err = process.communicate(timeout=10)
            expect(process.returncode == 130 and err.endswith(b"assay: interrupted\n"), (process.returncode, err))
        fake.last.finished.set()


def ctrl_c_works_while_the_program_is_typed():
    with directory() as path:
        (path / "tmp").mkdir()
        with interruptible("run", "--runtime", "bash", "-", stdin=subprocess.PIPE, TMPDIR=str(path / "tmp"),
                           ASSAY_DAEMON=str(HERE / "fake_assayd.py"), FAKE_TRACE=str(path / "trace")) as process:
            wait_until(lambda: list((path / "tmp").glob("*/socket")), "a private daemon that listens")
            time.sleep(0.3)
            process.send_signal(signal.SIGINT)
            expect(process.wait(SECONDS) == 130, process.returncode)
        expect_nothing_left(path)


# ---- private daemons


def private(path, *arguments, stdin=b"", **more):
    more = {"ASSAY_DAEMON": str(HERE / "fake_assayd.py"), "FAKE_TRACE": str(path / "trace")} | more
    (path / "tmp").mkdir(exist_ok=True)
    return assay(*arguments, stdin=stdin, TMPDIR=str(path / "tmp"), **more)


def process_gone(pid):
    return not os.path.exists(f"/proc/{pid}")


def expect_nothing_left(path):
    expect(os.listdir(path / "tmp") == [], f"left: {os.listdir(path / 'tmp')}")
    trace = (path / "trace").read_text().splitlines()
    for line in trace:
        if line.startswith("pid "):
            wait_until(lambda: process_gone(line.split()[1]), "the end of the private daemon")
    return trace


def without_a_daemon_a_private_one_is_started():
    with directory() as path, script_file(stdout=b64(ODD_BYTES), verdict=verdict("failed", 3)) as file:
        result = private(path, "run", file)
        expect_status(result, 3)
        expect(result.out == ODD_BYTES and result.err == "", result)
        trace = expect_nothing_left(path)
        expect(trace[-1] == "terminated", trace)
        arguments = json.loads(trace[1].removeprefix("arguments "))
        own = arguments[arguments.index("--listen") + 1].removeprefix("unix:").removesuffix("/socket")
        expect(arguments[:6] == ["--state-dir", own + "/state", "--listen", f"unix:{own}/socket", "--slots", "1"] and
               os.path.dirname(own) == str(path / "tmp") and "--backend" not in arguments, arguments)


def a_private_daemon_has_the_backend_that_was_asked_for():
    with directory() as path, script_file() as file:
        expect_status(private(path, "run", "--backend", "docker", "--image", "x", file), 0)
        arguments = json.loads(expect_nothing_left(path)[1].removeprefix("arguments "))
        expect(arguments[-4:] == ["--docker-images", "**", "--backend", "docker"], arguments)


def a_private_daemon_would_be_gone_before_it_has_told_anybody():
    with directory() as path, script_file() as file:
        result = private(path, "run", "--callback-url", "https://judge.example.org/", file)
        expect(result.status == 125 and "--callback-url needs a server" in result.err, result)
        expect(os.listdir(path / "tmp") == [], "nothing was started")


def the_doctor_starts_a_private_one_too():
    with directory() as path:
        expect_status(private(path, "doctor"), 0)
        expect_nothing_left(path)


def other_commands_start_none():
    with directory() as path:
        for command in (["list"], ["get", "x"], ["submit", "--command", "x"]):
            expect_status(private(path, *command), 1)
        expect(not (path / "trace").exists(), "one was started")


def a_server_that_was_named_is_never_replaced():
    with directory() as path:
        expect_status(private(path, "run", "--command", "x", ASSAY_SERVER="unix:/nonexistent"), 125)
        expect(not (path / "trace").exists(), "one was started")


def a_private_daemon_that_cannot_start_says_why():
    with directory() as path:
        result = private(path, "run", "--command", "x", FAKE_FAILS="1")
        expect_status(result, 125)
        expect("cannot start a private assayd: it ended before it listened: no room at all" in result.err, result)
        expect_nothing_left(path)
        result = private(path, "run", "--command", "x", ASSAY_DAEMON="/nonexistent/assayd")
        expect_status(result, 125)
        expect("cannot execute /nonexistent/assayd: No such file" in result.err, result)
        expect(os.listdir(path / "tmp") == [], "a directory is left")


def an_interrupted_private_run_leaves_nothing():
    with directory() as path, script_file(open=True) as file:
        (path / "tmp").mkdir()
        with interruptible("run", file, TMPDIR=str(path / "tmp"), FAKE_TRACE=str(path / "trace"),
                           ASSAY_DAEMON=str(HERE / "fake_assayd.py")) as process:
            wait_until(lambda: (path / "trace").exists() and "waited for" in (path / "trace").read_text(),
                       "a private daemon that is waited for")
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=SECONDS)
            expect(process.returncode == 125, process.returncode)
        expect_nothing_left(path)


def a_killed_assay_takes_its_daemon_along():
    with directory() as path, script_file(open=True) as file:
        (path / "tmp").mkdir()
        with interruptible("run", file, TMPDIR=str(path / "tmp"), FAKE_TRACE=str(path / "trace"),
                           ASSAY_DAEMON=str(HERE / "fake_assayd.py")) as process:
            wait_until(lambda: list((path / "tmp").glob("*/socket")), "a private daemon that listens")
            process.kill()
            wait_until(lambda: "terminated" in (path / "trace").read_text(), "the end of the private daemon")


# ---- the real daemon


def real(path, *arguments, stdin=b"", **more):
    (path / "tmp").mkdir(exist_ok=True)
    return assay(*arguments, stdin=stdin, TMPDIR=str(path / "tmp"), ASSAY_DAEMON=ASSAYD, ASSAY_KEEPER=KEEPER, **more)


def a_real_private_run_is_true_and_leaves_nothing():
    cases = [
        ("print('hello')", (), 0, b"hello\n", ""),
        ("1/0", (), 1, b"", "ZeroDivisionError: division by zero\n"),
        ("import sys; sys.exit(3)", (), 3, b"", ""),
        ("import sys; sys.stdout.buffer.write(bytes(range(256)))", (), 0, bytes(range(256)), ""),
        ("import os; os.kill(os.getpid(), 11)", (), 139, b"", "assay: failed: "),
        ("while True: pass", ("--wall-time", "300ms"), 124, b"", "assay: timed out: "),
        ("x = bytearray(1 << 30)", ("--memory", "64M"), 137, b"", "assay: out of memory: "),
        ("import sys; print(sys.stdin.read(), sys.argv[1:])", ("--stdin", "-"), 0, b"in [\'a\', \'--b\']\n", ""),
    ]
    with directory() as path:
        for code, options, status, out, err in cases:
            (path / "main.py").write_text(code)
            result = real(path, "run", *options, str(path / "main.py"), "a", "--b", stdin=b"in")
            expect(result.status == status, f"{code}: {result}")
            expect(result.out == out and err in result.err, f"{code}: {result}")
            expect(os.listdir(path / "tmp") == [], f"left: {os.listdir(path / 'tmp')}")


def tcp_address(daemon):
    return next(address for address in daemon.addresses if not address.startswith("unix:"))


def made_token(path, server, name, *options):
    """Made by the owner, over his socket; its file."""
    made = assay("token", "create", name, "--server", server, *options)
    expect(made.status == 0 and made.out.count(b"\n") == 1 and "shown once" in made.err, made)
    (path / name).write_bytes(made.out)
    return str(path / name)


def a_token_is_made_used_listed_and_revoked():
    from harness.daemon import Daemon

    with directory() as path, Daemon(ASSAYD, KEEPER, options=["--listen", "127.0.0.1:0", "--auth", "required"]) as daemon:
        owner = daemon.address
        server = ("--server", "http://" + tcp_address(daemon))
        reader = made_token(path, owner, "reader", "--scope", "read")
        both = made_token(path, owner, "both", "--rate", "600", "--open", "3", "--memory", "64M")
        refused = assay("list", *server)
        expect(refused.status == 1 and "HTTP 401" in refused.err, refused)
        id_ = assay("submit", *server, "--token-file", both, "--command", "--", "true").out.decode().strip()
        expect_status(assay("wait", *server, id_, ASSAY_TOKEN_FILE=reader), 0)
        for arguments in (("--command", "--", "true"), ("--memory", "65M", "--token-file", both, "--command", "--", "true")):
            refused = assay("submit", *server, *arguments, ASSAY_TOKEN_FILE=reader)
            expect(refused.status == 1 and ("$.limits.memory_bytes: " in refused.err or "HTTP 403" in refused.err), refused)
        table = assay("token", "list", "--server", owner).out.decode()
        expect(all(text in table for text in ("both", "submit,read", "open_evaluations=3", "memory_bytes=67108864")), table)
        shown = json.loads(assay("token", "list", "--server", owner, "--json").out)
        expect(sorted(token["name"] for token in shown["tokens"]) == ["both", "reader"], shown)
        secret = (path / "both").read_text().strip()
        expect(secret not in table and secret not in json.dumps(shown), "a secret is shown once")
        again = assay("token", "create", "both", "--server", owner)
        expect(again.status == 1 and "HTTP 409" in again.err and not again.out, again)
        expect_status(assay("token", "revoke", "both", "--server", owner), 0)
        refused = assay("get", *server, "--token-file", both, id_)
        expect(refused.status == 1 and "HTTP 401" in refused.err, refused)
        refused = assay("token", "list", *server, "--token-file", reader)
        expect(refused.status == 1 and "HTTP 403" in refused.err, refused)
        for odd in (b"", b"two words\n", b"\xff\n"):
            (path / "odd").write_bytes(odd)
            refused = assay("list", *server, "--token-file", str(path / "odd"))
            expect(refused.status == 1 and "is not an access token" in refused.err, refused)
        refused = assay("list", *server, "--token-file", str(path / "nowhere"))
        expect(refused.status == 1 and "nowhere" in refused.err, refused)


def what_is_no_action_on_tokens_is_told():
    for arguments, why in ((("token", "destroy", "x"), "create, list, revoke"), (("token", "create"), "takes the name"),
                           (("token", "list", "x"), "takes no name")):
        result = assay(*arguments, "--server", "unix:/nowhere")
        expect(result.status and why in result.err and not result.out, result)


def certificate(path, name):
    key, chain = str(path / f"{name}.key"), str(path / f"{name}.pem")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
                    "-subj", f"/CN={name}", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", chain],
                   check=True, stderr=subprocess.DEVNULL)
    return key, chain


def a_server_with_tls_is_trusted_by_its_authority_alone():
    from harness.daemon import Daemon

    with directory() as path:
        key, chain = certificate(path, "own")
        _, other = certificate(path, "other")
        options = ["--listen", "127.0.0.1:0", "--tls-cert", chain, "--tls-key", key]
        with Daemon(ASSAYD, KEEPER, options=options) as daemon:
            server = ("--server", "https://" + tcp_address(daemon))
            run = ("run", *server, "--command", "--", "sh", "-c", "echo out; exit 3")
            for arguments, more in (((*run[:1], "--ca-file", chain, *run[1:]), {}), (run, {"ASSAY_CA_FILE": chain})):
                result = assay(*arguments, **more)
                expect(result.status == 3 and result.out == b"out\n", result)
            for ca in ((), ("--ca-file", other), ("--ca-file", str(path / "nowhere"))):
                result = assay("list", *server, *ca)
                expect(result.status == 1 and not result.out and result.err, result)
            plain = assay("list", "--server", server[1].replace("https:", "http:"))
            expect(plain.status == 1 and not plain.out, plain)


def a_real_verdict_is_told_to_the_url_of_the_command_line():
    from harness.daemon import Daemon
    from harness.receiver import Receiver

    with Receiver() as receiver, Daemon(ASSAYD, KEEPER, options=["--webhook-allow-private", "yes"]) as daemon:
        server = ("--server", daemon.address, "--callback-url", receiver.url())
        expect_status(assay("run", *server, "--command", "--", "sh", "-c", "exit 3"), 3)
        id_ = assay("submit", *server, "--command", "--", "true").out.decode().strip()
        expect(receiver.wait_for(lambda events: len(events) == 2), receiver.events())
        told = {event["subject"]: event["data"]["status"] for event in receiver.events()}
        expect(sorted(told.values()) == ["completed", "failed"] and told[id_] == "completed", told)
        refused = assay("submit", "--server", daemon.address, "--callback-url", "ftp://x/", "--command", "--", "true")
        expect(refused.status == 1 and "$.callback_url: " in refused.err, refused)


def a_real_run_prints_while_the_program_runs():
    from harness.daemon import Daemon

    code = "echo first; echo error >&2; while [ ! -e /tmp/never ]; do sleep 0.1; done"
    with Daemon(ASSAYD, KEEPER) as daemon:
        command = [ASSAY, "run", "--server", daemon.address, "--command", "--", "sh", "-c", code]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment()) as process:
            expect(process.stdout.readline() == b"first\n", "standard output")
            expect(process.stderr.readline() == b"error\n", "standard error")
            process.send_signal(signal.SIGINT)  # it runs still, and would for ever
            out, err = process.communicate(timeout=SECONDS)
            expect(process.returncode == 125 and not out and b"assay: cancelled: " in err, (process.returncode, out, err))


def a_real_run_waits_for_a_program_that_is_silent():
    """For longer than it waits for a server that has stalled."""
    from harness.daemon import Daemon

    with Daemon(ASSAYD, KEEPER) as daemon:
        result = assay("run", "--server", daemon.address, "--wall-time", "60s", "--command", "--", "sh", "-c", "sleep 33; echo late")
        expect(result.status == 0 and result.out == b"late\n", result)


def the_real_doctor_answers():
    with directory() as path:
        result = real(path, "doctor", "--json")
        report = json.loads(result.out)
        expect_status(result, 0 if report["isolation"] == "full" else 1)
        expect(report["checks"] and all(check["status"] in ("ok", "warning", "missing") for check in report["checks"]),
               report)
        expect(b"isolation: " in real(path, "doctor").out, "as a table")


def the_real_server_takes_every_command():
    from harness.daemon import Daemon

    with directory() as path, Daemon(ASSAYD, KEEPER) as daemon:
        server = ("--server", daemon.address)
        (path / "main.py").write_text("import data; print(data.x)")
        (path / "data.py").write_text("x = 'from beside'")
        result = assay("run", *server, "--file", f"data.py={path}/data.py", str(path / "main.py"))
        expect(result.status == 0 and result.out == b"from beside\n", result)
        id_ = assay("submit", *server, "--label", "a=b", "--command", "--", "sh", "-c", "echo out; echo err >&2; exit 4"
                    ).out.decode().strip()
        expect_status(assay("wait", *server, id_), 4)
        expect(assay("logs", *server, id_).out == b"out\nerr\n", "in order")
        expect(assay("logs", *server, "--stream", "stderr", id_).out == b"err\n", "apart")
        expect(b"exited with code 4" in assay("get", *server, id_).out, assay("get", *server, id_))
        expect(id_ in assay("list", *server, "--label", "a=b").out.decode(), "in the list")
        sleeper = assay("submit", *server, "--command", "--", "sleep", "60").out.decode().strip()
        expect_status(assay("cancel", *server, sleeper), 0)
        expect_status(assay("wait", *server, sleeper), 125)
        expect(b"server: " in assay("version", *server).out, "a version")
        refused = assay("submit", *server, "--runtime", "nonsense", str(path / "main.py"))
        expect(refused.status == 1 and refused.err.count("$.runtime: ") == 1, refused)
        refused = assay("get", *server, "20200101_000000_00000000")
        expect(refused.status == 1 and "HTTP 404" in refused.err, refused)


def a_real_batch_goes_on_where_it_was_stopped():
    from harness.daemon import Daemon

    with directory() as path, Daemon(ASSAYD, KEEPER) as daemon:
        programs, results, report = path / "programs.jsonl", path / "results.jsonl", path / "report.html"
        lines = [{"command": ["echo", str(number)]} for number in range(1, 301)]
        lines[99] = {"command": ["sh", "-c", "echo '<script>alert(1)</script>' >&2; exit 3"]}
        lines[199] = {"nonsense": 1}
        programs.write_text("".join(json.dumps(line) + "\n" for line in lines))
        command = ("batch", "--server", daemon.address, str(programs), "-o", str(results))
        for number, end in ((20, signal.SIGINT), (60, signal.SIGKILL)):
            with interruptible(*command) as process:
                wait_until(lambda: results.exists() and results.read_bytes().count(b"\n") >= number, f"{number} results")
                process.send_signal(end)
                process.wait(SECONDS)
                expect(process.returncode in (130, -signal.SIGKILL), f"{end}: {process.returncode}")
            expect((path / "results.jsonl.batch").exists(), "nothing to go on with")
        with open(results, "ab") as file:
            file.write(b'{"half of a li')
        done = assay(*command, "--report", str(report))
        expect_status(done, 1)
        expect("line 200: $.nonsense: " in done.err and "assay: going on: " in done.err, done)
        expect(b"completed" in done.out and b"(refused)" in done.out, done)
        seen = sorted(json.loads(line)["batch"]["line"] for line in results.read_bytes().splitlines())
        expect(seen == [number for number in range(1, 301) if number != 200], f"lines {seen}")
        page = report.read_text()
        expect("<script" not in page and "&#60;script&#62;alert(1)" in page and "http" not in page.replace("http-equiv", ""), page)
        expect(not (path / "results.jsonl.batch").exists(), "it is over")
        expect("is there already" in assay(*command).err, "results are not written over")
        other = assay("batch", "--server", daemon.address, str(path / "none"), "-o", str(path / "other"))
        expect(other.status == 1 and "cannot read" in other.err and not (path / "other").exists(), other)


CASES = [
    the_exit_status_is_the_verdict, output_is_byte_exact, what_was_left_out_is_said, escapes_are_inert_on_a_terminal,
    escapes_are_inert_in_tables_and_messages_everywhere, json_is_the_servers,
    weak_isolation_is_told_to_a_person, every_option_reaches_the_server,
    bytes_that_are_no_text_are_sent_as_base64, files_go_beside_the_program, a_command_goes_as_it_is,
    code_comes_from_standard_input_too, wrong_usage_is_status_2, every_command_has_help,
    odd_answers_are_errors_with_a_reason, a_problem_is_told_with_every_path, a_lost_connection_is_made_again,
    a_lost_submission_is_repeated_under_its_key, nobody_there_is_told_at_once, a_file_that_is_not_there_is_told,
    a_closed_output_is_no_success, the_server_is_named_by_option_or_environment, a_list_goes_on_to_its_last_page,
    an_id_cannot_leave_its_place_in_the_path, cancel_and_get_tell_the_status, logs_follow_to_the_end,
    what_is_followed_goes_on_where_the_connection_was_lost,
    what_is_being_fetched_is_told, the_doctor_says_what_is_missing, version_names_both, ctrl_c_cancels_and_still_tells_the_verdict,
    a_second_ctrl_c_gives_up, what_is_no_action_on_tokens_is_told,
]
PRIVATE_CASES = [
    without_a_daemon_a_private_one_is_started, a_private_daemon_has_the_backend_that_was_asked_for,
    a_private_daemon_would_be_gone_before_it_has_told_anybody, the_doctor_starts_a_private_one_too, other_commands_start_none,
    a_server_that_was_named_is_never_replaced, a_private_daemon_that_cannot_start_says_why,
    an_interrupted_private_run_leaves_nothing, ctrl_c_works_while_the_program_is_typed, a_killed_assay_takes_its_daemon_along,
]
REAL_PRIVATE_CASES = [a_real_private_run_is_true_and_leaves_nothing, the_real_doctor_answers]
REAL_CASES = [
    the_real_server_takes_every_command, a_token_is_made_used_listed_and_revoked,
    a_server_with_tls_is_trusted_by_its_authority_alone, a_real_verdict_is_told_to_the_url_of_the_command_line,
    a_real_batch_goes_on_where_it_was_stopped, a_real_run_prints_while_the_program_runs,
    a_real_run_waits_for_a_program_that_is_silent]


def default_address_taken():
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", 7117)) == 0


def main():
    tap = Tap()
    taken = "a server listens on the default address" if default_address_taken() else None
    unreal = None if ASSAYD else "no assayd was given"
    for cases, reason in ((CASES, None), (PRIVATE_CASES, taken), (REAL_PRIVATE_CASES, unreal or taken),
                          (REAL_CASES, unreal)):
        for case in cases:
            name = case.__name__.replace("_", " ")
            if reason:
                tap.skip(name, reason)
            else:
                tap.run(name, case)
    return tap.done()


if __name__ == "__main__":
    sys.exit(main())
