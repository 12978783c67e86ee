#!/usr/bin/python3
"""The daemon, or a keeper, dies at every failpoint (src/base/failpoint.h) at its first passing, and at a later one in its next life;
what recovers from that dies while it recovers. Every evaluation that was acknowledged has one true verdict, and ran at most once.

Needs programs that were built with -Dfailpoints=true."""

import contextlib
import http.client
import os
import re
import shutil
import signal
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from load import Ledger, check_starts, settle, submit, tell_again
from torture import Torture, keepers, kill_keepers, left_processes
from harness import tap, traces, witness
from harness.witness import START, Witness

HEADER = Path(__file__).resolve().parents[2] / "src/base/failpoint.h"
ROW = re.compile(r"^ *(?:/\* (?P<process>.*?) \*/|X\((?P<name>\w+), (?P<can_fail>true|false), )", re.MULTILINE)
PATIENCE_SECONDS = 120
PER_LIFE = 5  # the second time, among them two outputs that become files
AT_ONCE = 2


def failpoints():
    """(name, whether it is a keeper's, whether it can fail) of each row of the table."""
    process = ""
    for row in ROW.finditer(HEADER.read_text().partition("#define FAILPOINTS(X)")[2].partition("#ifdef")[0]):
        process = row["process"] or process
        if row["name"]:
            yield row["name"], "assay-keeper" in process, row["can_fail"] == "true"


class Life:
    """A daemon in whose environment one failpoint is armed."""

    def __init__(self, daemon, name, hit=1, action="kill"):
        self.daemon, self.name = daemon, name
        self.directory = tempfile.mkdtemp(prefix="assay-failpoint-")
        daemon.environment["ASSAY_FAILPOINT"] = f"{name}:{hit}:{action}:{self.directory}"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.daemon.kill()
        del self.daemon.environment["ASSAY_FAILPOINT"]
        shutil.rmtree(self.directory)

    def await_reached(self):
        reached, process = Path(self.directory) / self.name, self.daemon.process
        try:
            wait_until(f"{self.name} is reached", lambda: reached.exists() or process.poll() is not None)
            if not reached.exists():
                raise AssertionError(f"assayd ended with {process.returncode} before {self.name} was reached")
        except AssertionError as error:
            raise AssertionError(f"{error}:\n{self.daemon.log()}") from None

    def await_end(self):
        """Of the daemon; its exit status."""
        return self.daemon.process.wait(PATIENCE_SECONDS)

    def die_while_starting(self):
        os.close(self.daemon.spawn())
        self.await_reached()
        if self.await_end() != -signal.SIGKILL:
            raise AssertionError(f"it ended with {self.daemon.process.returncode}:\n{self.daemon.log()}")


def wait_until(what, condition):
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {PATIENCE_SECONDS} s: {what}")
        time.sleep(0.01)


# What leads to the failpoint. Each of these may find its daemon dead at any moment.


class Ordinary:
    """Programs that end by themselves."""

    def __init__(self, daemon):
        self.daemon, self.ledger = daemon, Ledger()

    def work(self):
        client = self.daemon.client()
        for _ in range(PER_LIFE):
            submit(client, self.ledger, self.ledger.take_number())

    def check(self):
        settle(self.daemon, self.ledger)
        tell_again(self.daemon, self.ledger, self.ledger.told)
        yield from self.ledger.faults
        if not self.ledger.told:
            yield "nothing was submitted"

    def told(self):
        return self.ledger.told


class OneByOne(Ordinary):
    """Each is waited for, so that its keeper has nothing else to do when its verdict is durable: else the daemon removes what is left."""

    def work(self):
        client = self.daemon.client()
        for _ in range(PER_LIFE):
            submit(client, self.ledger, self.ledger.take_number(), wait=10)


class Sleeper:
    """Two programs a life: each until it runs, and then something is done to it."""

    def __init__(self, daemon):
        self.daemon, self.ids, self.evaluations = daemon, [], {}

    def begin(self, seconds, **more):
        command = ["sh", "-c", f"{START} sleep {seconds}; echo slept"]
        limits = {"wall_time_ms": 600_000}
        client = self.daemon.client()
        evaluation_id = client.submit({"command": command, "limits": limits} | more).json["id"]
        self.ids.append(evaluation_id)
        wait_until("it runs", lambda: client.get(evaluation_id)["status"] == "running")
        return client, evaluation_id

    def told(self):
        return dict(enumerate(self.evaluations.values()))


class Cancelled(Sleeper):
    def work(self):
        for _ in range(2):
            client, evaluation_id = self.begin(300)
            client.cancel(evaluation_id)

    def check(self):
        client = self.daemon.client()
        for each in self.ids:
            client.cancel(each)
            self.evaluations[each] = evaluation = client.finished(each, PATIENCE_SECONDS)
            if evaluation["verdict"]["kind"] != "cancelled":
                yield f"it was cancelled, and is {evaluation['verdict']}"


class TriedAgain(Sleeper):
    def work(self):
        for _ in range(2):
            self.begin(6, max_attempts=9)
            kill_keepers(keepers(self.daemon))

    def check(self):
        client = self.daemon.client()
        for each in self.ids:
            self.evaluations[each] = evaluation = client.finished(each, PATIENCE_SECONDS)
            if (evaluation["verdict"]["kind"], evaluation["stdout"]["text"]) != ("completed", "slept\n"):
                yield f"it was to be tried again, and is {evaluation}"


WORKLOADS = {
    "cancel_asked": Cancelled, "cancel_durable": Cancelled, "kill_asked": Cancelled,
    "attempt_asked": TriedAgain, "attempt_durable": TriedAgain,
    "remove_begun": OneByOne, "cgroup_removed": OneByOne, "remove_done": OneByOne,
}  # fmt: skip

# Passed by every program; where a cancellation can be in time or not.
DAWDLING = {
    "launch_asked", "launch_sent", "seen", "finish_asked", "commit_ready", "commit_done", "evidence_made", "plan_loaded", "start_marked",
    "program_runs", "program_ended", "record_written", "record_named", "ended_told",
}  # fmt: skip


def work_beside(workload):
    """Starts a client; it ends when its daemon does."""

    def work():
        with contextlib.suppress(OSError, http.client.HTTPException):
            workload.work()

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    return thread


def live(daemon, workload, name, hit, is_keeper):
    with Life(daemon, name, hit) as life:
        if name.startswith("recover_"):
            return life.die_while_starting()
        daemon.start()
        client = work_beside(workload)
        life.await_reached()
        if not is_keeper:
            life.await_end()
    if is_keeper:  # the one that took its place would go into the next life without its failpoint
        traces.eventually(lambda: kill_keepers(keepers(daemon)) or keepers(daemon))
    client.join(PATIENCE_SECONDS)


def dies_there(torture, starts, name, is_keeper):
    # One slot, so that its keeper passes each of its failpoints several times, and at most two keepers a life can lose what they run.
    with contextlib.ExitStack() as stack:
        daemon = torture.daemon(slots=1 if is_keeper else 2)
        stack.callback(daemon.__exit__, None)
        workload = WORKLOADS.get(name, Ordinary)(daemon)
        if name.startswith("recover_"):
            daemon.start()
            work_beside(workload).join(PATIENCE_SECONDS)
            daemon.kill()
        live(daemon, workload, name, 1, is_keeper)
        live(daemon, workload, name, 1 if name.startswith("recover_") else 2, is_keeper)
        for recovery in ("recover_begun", "recover_asked"):
            with Life(daemon, recovery) as life:
                life.die_while_starting()
        daemon.start()
        yield from finish(daemon, workload, starts, lost_most=4 if is_keeper else 0)


def fails_there(torture, starts, name, is_keeper):
    """Of a store that fails, the daemon ends; of evidence that cannot be written, it does not."""
    daemon = torture.daemon(slots=1)
    try:
        workload = Ordinary(daemon)
        with Life(daemon, name, 1, "error") as life:
            daemon.start()
            client = work_beside(workload)
            life.await_reached()
            if not is_keeper and (status := life.await_end()) != 1:
                yield f"it ended with status {status}:\n{daemon.log()}"
        client.join(PATIENCE_SECONDS)
        daemon.start()
        yield from finish(daemon, workload, starts, lost_most=1 if is_keeper else 0)
    finally:
        daemon.__exit__(None)


def finish(daemon, workload, starts, lost_most):
    yield from workload.check()
    told = workload.told()
    yield from check_starts(told, starts)
    lost = [number for number, evaluation in told.items() if evaluation["status"] == "lost"]
    if len(lost) > lost_most:
        yield f"{lost} are lost, and {lost_most} may be"
    yield from traces.eventually(lambda: [f"left over: evidence {path.name}" for path in daemon.evidence()], 30)


def dawdles_there(torture, starts, name):
    """A cancellation comes just then. It is in time or too late: one of them, and not something between."""
    daemon = torture.daemon(slots=1)
    try:
        with Life(daemon, name, 1, "sleep") as life:
            daemon.start()
            client = daemon.client()
            evaluation_id = client.submit({"command": ["sh", "-c", f"{START} echo ran; exit 3"]}).json["id"]
            life.await_reached()
            answer = daemon.client().cancel(evaluation_id)
            evaluation = client.finished(evaluation_id, PATIENCE_SECONDS)
        count, end = starts[evaluation_id], (evaluation["verdict"]["kind"], evaluation["verdict"]["exit_code"])
        if end == ("cancelled", None):
            if answer.status != 202 or count > 1:
                yield f"it was started {count} times, the cancellation was answered with {answer.status}, and it is {evaluation}"
        elif end != ("failed", 3) or evaluation["stdout"]["text"] != "ran\n" or count != 1:
            yield f"it was started {count} times, and is {evaluation}"
    finally:
        daemon.__exit__(None)


def refuses(torture):
    """What is no failpoint is not run without it."""
    daemon = torture.daemon()
    for setting in ("nonsense:1:kill:/", "commit_done:0:kill:/", "commit_done:1:error:/", "commit_done:1:kill:/nowhere", "commit_done"):
        daemon.environment["ASSAY_FAILPOINT"] = setting
        os.close(daemon.spawn())
        if (status := daemon.process.wait(PATIENCE_SECONDS)) != 2 or "no such failpoint" not in daemon.log():
            yield f"with {setting} it ended with {status}: {daemon.log()}"
    daemon.__exit__(None)


def main():
    if reason := witness.why_not():
        tap.skip_all(reason)
    traces.adopt_orphans()
    torture = Torture()
    report = tap.Tap()
    cases = [("a setting that makes no sense is refused", refuses, torture)]
    with Witness() as seen, ThreadPoolExecutor(AT_ONCE) as pool:
        for name, is_keeper, can_fail in failpoints():
            arguments = torture, seen.starts, name, is_keeper
            cases.append((f"dies at {name}", dies_there, *arguments))
            if name in DAWDLING:
                cases.append((f"dawdles at {name}", dawdles_there, torture, seen.starts, name))
            if can_fail:
                cases.append((f"fails at {name}", fails_there, *arguments))
        cases = [case for case in cases if torture.options.match in case[0]]
        running = [(name, pool.submit(lambda rule, *arguments: list(rule(*arguments)), *rest)) for name, *rest in cases]
        for name, result in running:
            report.run(name, result.result)
    report.result("nothing is left over", traces.eventually(left_processes))
    sys.exit(report.done())


main()
