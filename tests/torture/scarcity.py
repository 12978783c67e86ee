#!/usr/bin/python3
"""What a host can take away from a running daemon: descriptors, memory, its time, the processor, its state directory. It sheds new
work; what it has acknowledged ends in its true verdict, at the latest when it has what it needs again."""

import contextlib
import http.client
import os
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path

from load import Ledger, Load, check_starts, settle, tell_again
from torture import Note, keepers, long, main
from harness import traces
from harness.client import connect
from harness.daemon import Daemon
from harness.witness import Witness

STOPS = long(30, 4)
CLIENTS = 24
MEMORY_BYTES = 400 << 20  # beyond what it starts with


def check(daemon, ledger, witness):
    """Everything that was acknowledged has its own verdict now, and none is lost."""
    settle(daemon, ledger)
    tell_again(daemon, ledger, sorted(ledger.told))
    yield from ledger.faults
    yield from check_starts(ledger.told, witness.starts)
    yield from (f"number {number} is lost: {each['verdict']}" for number, each in ledger.told.items() if each["status"] == "lost")
    yield Note(f"{len(ledger.told)} verdicts")
    if not ledger.told:
        yield "nothing was acknowledged"


@contextlib.contextmanager
def load_on(daemon, ledger, clients=4):
    load = Load(daemon, ledger, clients)
    try:
        yield load
    finally:
        load.end()
        load.join()


def processor_seconds(pid):
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def forty_descriptors(torture):
    ledger = Ledger()
    daemon = torture.daemon(slots=2)
    daemon.command = ["prlimit", "--nofile=40", "--", *daemon.command]
    with Witness() as witness, daemon:
        with load_on(daemon, ledger, CLIENTS):
            time.sleep(long(30, 5))
        idle = [connect(daemon.address) for _ in range(60)]
        before, begun = processor_seconds(daemon.pid), time.monotonic()
        time.sleep(3)
        share = (processor_seconds(daemon.pid) - before) / (time.monotonic() - begun)
        if share > 0.5:
            yield f"with more clients than descriptors it is busy with nothing: {share:.0%} of a processor"
        for each in idle:
            each.close()
        yield from check(daemon, ledger, witness)
        if "Too many open files" in daemon.log(1 << 20):
            yield f"clients have taken descriptors that other things need: {daemon.log()}"


def little_memory(torture):
    """Large requests from many clients are refused before memory ends, and the daemon lives."""
    ledger = Ledger()
    with torture.daemon(slots=2) as daemon:
        used_bytes = int(Path(f"/proc/{daemon.pid}/statm").read_text().split()[0]) * os.sysconf("SC_PAGESIZE")
    large = {"command": ["sleep", "0.2"], "files": [{"path": "large", "content": "x" * (8 << 20)}]}
    answers, done = Counter(), threading.Event()

    def submit_large():
        client = daemon.client()
        while not done.is_set():
            try:
                answers[client.submit(large).status] += 1
            except (OSError, http.client.HTTPException) as error:
                answers[type(error).__name__] += 1
                client.close()

    daemon = torture.daemon(slots=2)
    daemon.command = ["prlimit", f"--as={used_bytes + MEMORY_BYTES}", "--", *daemon.command]
    with Witness() as witness, daemon:
        threads = [threading.Thread(target=submit_large, daemon=True) for _ in range(CLIENTS)]
        with load_on(daemon, ledger):
            for thread in threads:
                thread.start()
            time.sleep(long(60, 10))
            done.set()
            for thread in threads:
                thread.join()
            if daemon.process.poll() is not None:
                yield f"it ended with {daemon.process.returncode}: {daemon.log()}"
                daemon.start()
        yield Note(f"answers to large requests: {dict(answers)}")
        if not answers[503] + answers[429]:
            yield "nothing was refused"
        yield from check(daemon, ledger, witness)


def stopped_and_continued(torture):
    """SIGSTOP and SIGCONT, of the daemon or of a keeper."""
    chance, ledger = torture.random, Ledger()
    with Witness() as witness, torture.daemon(slots=2) as daemon:
        with load_on(daemon, ledger):
            for _ in range(STOPS):
                time.sleep(chance.uniform(0, 0.5))
                victim = chance.choice([daemon.pid, *keepers(daemon)])
                os.kill(victim, signal.SIGSTOP)
                time.sleep(chance.uniform(0, 2))
                os.kill(victim, signal.SIGCONT)
        yield from check(daemon, ledger, witness)


def the_wall_clock_moved_by_a_day(torture):
    """Forth and back, under a daemon that runs: nothing is decided by it."""
    ledger = Ledger()
    libraries = sorted(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))
    with Witness() as witness, tempfile.TemporaryDirectory() as directory:
        offset = Path(directory, "offset")
        offset.write_text("+0")
        daemon = torture.daemon(slots=2)
        daemon.environment |= {
            "LD_PRELOAD": str(libraries[0]), "FAKETIME_TIMESTAMP_FILE": str(offset), "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }  # fmt: skip
        with daemon:
            with load_on(daemon, ledger):
                for days in ["+1d", "-1d", "+0"] * long(20, 2):
                    offset.write_text(days)
                    time.sleep(1)
            yield from check(daemon, ledger, witness)
    dates = {each["created_at"][:10] for each in ledger.told.values()}
    if len(dates) < 3:
        yield f"the clock did not move: all were created at {dates}"


def a_removed_state_directory(torture):
    """The daemon notices, promises nothing any more and ends; the next one begins anew."""
    with torture.daemon(slots=2) as daemon:
        client = daemon.client()
        client.submit({"command": ["true"]}, wait=60)
        traces.eventually(lambda: shutil.rmtree(daemon.state, ignore_errors=True) or daemon.state.exists())
        with contextlib.suppress(OSError, http.client.HTTPException):
            if (answer := client.submit({"command": ["true"]})).status < 500:
                yield f"what cannot be kept is acknowledged: {answer}"
        try:
            if (status := daemon.process.wait(60)) != 1:
                yield f"it ended with status {status}"
        except subprocess.TimeoutExpired:
            yield "it does not end"
        if "assay.db was removed" not in daemon.log():
            yield f"it does not say why: {daemon.log()}"
        daemon.kill()
        daemon.start()
        if (evaluation := daemon.client().submit({"command": ["true"]}, wait=60).json)["status"] != "completed":
            yield f"in a new one a program is {evaluation}"


def two_daemons_on_one_state_directory(torture):
    """The second is refused, again and again, and the first does not notice."""
    ledger = Ledger()
    with Witness() as witness, torture.daemon(slots=2) as daemon:
        second = Daemon(torture.options.assayd, torture.options.keeper, daemon.directory, log=daemon.directory / "second")
        with load_on(daemon, ledger):
            for _ in range(long(100, 5)):
                os.close(second.spawn())
                if (status := second.process.wait(60)) != 1 or "another daemon" not in second.log():
                    yield f"the second ended with {status}: {second.log()}"
        yield from check(daemon, ledger, witness)


main(
    forty_descriptors,
    little_memory,
    stopped_and_continued,
    the_wall_clock_moved_by_a_day,
    a_removed_state_directory,
    two_daemons_on_one_state_directory,
    needs_witness=True,
)
