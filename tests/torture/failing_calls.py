#!/usr/bin/python3
"""The n-th fsync, write, rename or open fails, or is the last thing that a process does: in the store, while the daemon starts,
and in a keeper. What cannot be repaired stops the daemon with a message, and no failed fsync is tried again; the next start finds
everything that was acknowledged and told."""

import itertools
import os
import select
import signal
import time

import strace
from load import Ledger, Load, settle, tell_again
from strace import Attached, Fault
from torture import Note, keepers, long, main
from harness import tap, traces

SYNCS = "fsync,fdatasync"
CLIENTS = 3
LOAD_SECONDS = long(5, 2)  # at most: it ends earlier where the daemon does
FAULTS = long(60, 4)  # of each kind
WHATS = ("error=EIO", "error=ENOSPC", "signal=KILL")
STOP_SECONDS = 20


def pick(torture, calls, whats):
    """So many faults; each of `calls`, (call, first n, last n), with each of `whats` under torture."""
    rows = list(itertools.product(calls, whats))
    torture.random.shuffle(rows)
    for (call, first, last), what in itertools.islice(itertools.cycle(rows), FAULTS):
        yield Fault(call, what, torture.random.randint(first, last))


def injected(log):
    return any(was for _, was in strace.calls(log))


def wait_for_end(daemon, seconds):
    """Whether the daemon ended by itself."""
    deadline = time.monotonic() + seconds
    while daemon.process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.01)
    return daemon.process.poll() is not None


def check_stopped(daemon, fault, words=("stopping",)):
    """It was killed as we wanted it, or it stopped by itself and said why."""
    status, log = daemon.process.returncode, daemon.log()
    if "signal=KILL" in fault.what:
        return [] if status == -9 else [f"{fault}: it ended with {status}: {log}"]
    if status != 1:
        return [f"{fault}: it ended with {status}: {log}"]
    return [f"{fault}: its message does not say {word!r}: {log}" for word in words if word not in log]


def recover(daemon, ledger, fault):
    """Whatever became of the daemon, the next one knows all."""
    if daemon.process.poll() is None:
        daemon.stop()
    daemon.log_path.unlink(missing_ok=True)
    daemon.start()
    settle(daemon, ledger)
    tell_again(daemon, ledger, sorted(ledger.told)[-20:])
    faults = [f"{fault}: {line}" for line in ledger.faults]
    ledger.faults.clear()
    return faults


def syncs_after_the_failed_one(log):
    names = strace.calls(log)
    first = next((i for i, (_, was) in enumerate(names) if was), len(names))
    return [name for name, _ in names[first + 1 :] if name in SYNCS.split(",")]


def a_store_whose_disk_fails_stops_and_is_recovered(torture):
    calls = [(SYNCS, 1, 25), ("pwrite64", 1, 100), ("openat", 1, 10), ("linkat", 1, 5)]
    ledger, struck, stopped = Ledger(), 0, 0
    daemon = torture.daemon(slots=2)
    with daemon:
        for fault in pick(torture, calls, WHATS):
            log = daemon.directory / "strace"
            log.unlink(missing_ok=True)
            load = Load(daemon, ledger, CLIENTS, dying=True)
            with Attached(strace.thread_named(daemon.pid, "assay-store"), fault, log):
                ended = wait_for_end(daemon, LOAD_SECONDS)
                load.end()
                ended = ended or (injected(log) and fault.call == SYNCS and wait_for_end(daemon, STOP_SECONDS))
            if not ended:
                load.join()
            struck += injected(log) or ended
            stopped += ended
            if ended:
                yield from check_stopped(daemon, fault)
            elif fault.call == SYNCS and injected(log):
                yield f"{fault}: a failed fsync, and it goes on: {daemon.log()}"
            if fault.call == SYNCS and "error" in fault.what and (more := syncs_after_the_failed_one(log)):
                yield f"{fault}: and then {more} on the same thread"
            if ended:
                load.join()
            yield from recover(daemon, ledger, fault)
        yield Note(f"{FAULTS} faults, {struck} struck, {stopped} stopped the daemon; {len(ledger.told)} verdicts told")


def started(daemon):
    """Whether it said that it is ready; if not, it has ended."""
    ready = daemon.spawn()
    try:
        readable, _, _ = select.select([ready], [], [], STOP_SECONDS)
        return bool(readable and os.read(ready, 100)) or not wait_for_end(daemon, STOP_SECONDS)
    finally:
        os.close(ready)


def a_start_that_fails_says_why_and_the_next_one_recovers(torture):
    # Before our own files, the loader opens the libraries'.
    calls = [(SYNCS, 1, 4), ("pwrite64", 1, 10), ("pread64", 8, 19), ("openat", 45, 90), ("mkdir,mkdirat", 1, 15), ("unlink", 1, 5),
             ("write", 1, 20), ("ftruncate", 1, 1), ("bind", 1, 1)]
    ledger, failed = Ledger(), 0
    daemon = torture.daemon(slots=2)
    command = daemon.command
    with daemon:
        for fault in pick(torture, calls, WHATS):
            load = Load(daemon, ledger, CLIENTS)
            time.sleep(0.2)
            load.end()
            daemon.kill()
            load.join()
            daemon.log_path.unlink(missing_ok=True)
            daemon.command = fault.started_with(command, daemon.directory / "strace")
            ready = started(daemon)
            daemon.command = command
            failed += not ready
            if ready:
                daemon.kill()
            elif daemon.process.returncode != -signal.SIGABRT or not strace.struck_a_wake_up(daemon.directory / "strace"):
                yield from check_stopped(daemon, fault, words=["cannot start: "])
            yield from recover(daemon, ledger, fault)
        yield Note(f"{FAULTS} faults, {failed} starts failed; {len(ledger.told)} verdicts told")


def a_keeper_whose_disk_fails_says_so_and_nobody_is_blamed(torture):
    calls = [("write", 1, 40), ("pwrite64", 1, 10), ("openat", 1, 25), ("mkdirat", 1, 5), ("renameat", 1, 5), ("fallocate", 1, 5)]
    ledger, struck = Ledger(), 0
    daemon = torture.daemon(slots=1)
    with daemon:
        for fault in pick(torture, calls, WHATS):
            log = daemon.directory / "strace"
            log.unlink(missing_ok=True)
            traces.eventually(lambda: [] if keepers(daemon) else ["no keeper yet"])
            with Attached(keepers(daemon)[0], fault, log):
                load = Load(daemon, ledger, CLIENTS)
                deadline = time.monotonic() + LOAD_SECONDS
                while not injected(log) and time.monotonic() < deadline:
                    time.sleep(0.05)
                time.sleep(0.2)
                load.end()
            load.join()
            struck += injected(log)
            if daemon.process.poll() is not None:
                yield f"{fault}: the daemon ended with {daemon.process.returncode}: {daemon.log()}"
            settle(daemon, ledger)
            yield from (f"{fault}: {line}" for line in ledger.faults)
            ledger.faults.clear()
        lost = {evaluation["verdict"]["reason"] for evaluation in ledger.told.values() if evaluation["status"] == "lost"}
        yield Note(f"{FAULTS} faults, {struck} struck; {len(ledger.told)} verdicts told, lost: {lost}")


if reason := strace.why_not():
    tap.skip_all(reason)
main(
    a_store_whose_disk_fails_stops_and_is_recovered,
    a_start_that_fails_says_why_and_the_next_one_recovers,
    a_keeper_whose_disk_fails_says_so_and_nobody_is_blamed,
)
