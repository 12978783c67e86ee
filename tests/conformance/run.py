#!/usr/bin/python3
"""Runs the conformance corpus against a daemon of its own and prints TAP: one case a line. See README.md.

    run.py --assayd build/src/daemon/assayd --keeper build/src/keeper/assay-keeper [--as-user] [--without-cgroups] …
"""

import argparse
import contextlib
import ctypes
import json
import os
import queue
import shutil
import sys
import tempfile
import threading
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

import case
import expect
from canaries import Canaries
from harness import docker, tap, traces
from harness.daemon import Daemon

CLIENTS = 8
# A user that no password file knows: it owns nothing and belongs to nobody.
ORDINARY_USER = (54_321, 54_321)
# Features of isolation that change what is expected, and words by which the doctor says that one is missing.
FEATURES = {
    "cpu": "CPU time is sampled",
    "disk": "what the program may write is not limited",
    "kill": "not through a cgroup",
    "landlock": "landlock",
    "memory": "memory is watched by sampling",
    "network": "the network is not cut off",
    "processes": "processes are not limited",
    "seccomp": "system calls are not filtered",
    "uid": "the user id of the daemon",
}
# How long one evaluation may take until its verdict is there, compiling and queueing included; and after how many for which
# that was not enough the others are not tried any more.
PATIENCE_SECONDS = 90
TIMEOUTS_MAX = 10
# How long what has ended may take to be taken out of a cluster.
CLUSTER_PATIENCE_SECONDS = 120
# Backends that need a place of their own.
CELLS = ("docker", "kubernetes")


def main():
    options = parse_arguments()
    cases = case.load(HERE / "cases", options.match)
    if options.compiled:
        cases = [one for one in cases if not one.name.startswith("compile/")]
    if options.as_user and os.getuid() != 0:
        tap.skip_all("needs root, to become an ordinary user that owns nothing")
    if options.without_cgroups:
        hide_cgroups()
    if options.backend in CELLS and (reason := harness_of(options.backend).why_not()):
        tap.skip_all(reason)
    traces.adopt_orphans()
    before = traces.Host()
    report = tap.Tap()
    directory = Path(tempfile.mkdtemp(prefix="assay-conformance-"))
    try:
        with cell_of(options.backend) as cell:
            names = run(options, cases, directory, cell, report)
        report.run("afterwards: nothing is left over on the host", traces.left_on_host, before, names)
    finally:
        shutil.rmtree(directory, ignore_errors=True)
    return report.done()


def parse_arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("--assayd", required=True, type=Path)
    parser.add_argument("--keeper", required=True, type=Path)
    parser.add_argument("--backend", default="native", choices=["native", *CELLS])
    parser.add_argument("--image", type=Path, help="for containers: the tar of a root file system with all that the cases need")
    parser.add_argument("--slots", type=int, default=4)
    parser.add_argument("--as-user", action="store_true", help="the daemon runs as an ordinary user")
    parser.add_argument("--without-cgroups", action="store_true", help="hide the cgroup file systems from the daemon")
    parser.add_argument("--delegated", action="store_true", help="give that user a cgroup of its own (cgroup v2)")
    parser.add_argument("--compiled", type=Path, help="where the C programs are, compiled, for a machine without a compiler")
    parser.add_argument("--lacks", help="isolation features that this host must be found to lack, comma-separated")
    parser.add_argument("--time-factor", type=float, default=1, help="makes time limits longer, for a slow machine")
    parser.add_argument("--copies-most", type=int, default=1000, help="at most so many copies of a case, for a slow machine")
    parser.add_argument("--match", help="only cases whose name matches this regular expression")
    return parser.parse_args()


def hide_cgroups():
    """An empty, read-only directory where the cgroup file systems are, for this process and all that it starts."""
    libc = ctypes.CDLL(None, use_errno=True)
    clone_newns, ms_rdonly, ms_rec, ms_private = 0x20000, 1, 0x4000, 1 << 18

    def check(result):
        if result != 0:
            tap.skip_all(f"cannot hide the cgroups: {os.strerror(ctypes.get_errno())}")

    check(libc.unshare(clone_newns))
    check(libc.mount(b"none", b"/", None, ms_rec | ms_private, None))
    check(libc.mount(b"none", b"/sys/fs/cgroup", b"tmpfs", ms_rdonly, None))


def delegated_cgroup(identity):
    """A cgroup with all controllers that belongs to this user, as systemd makes one for a login."""
    root, own = Path("/sys/fs/cgroup"), Path("/sys/fs/cgroup/delegated")
    (root / "cgroup.subtree_control").write_text("+cpu +memory +pids")
    own.mkdir(exist_ok=True)
    for path in (own, own / "cgroup.procs", own / "cgroup.subtree_control", own / "cgroup.threads"):
        os.chown(path, *identity)
    return own


def cell_of(backend):
    """Where the backend's containers are, or nothing for the native one."""
    if backend == "kubernetes":
        return harness_of(backend).Cluster()
    return docker.Engine() if backend == "docker" else contextlib.nullcontext()


def harness_of(backend):
    """That of Kubernetes needs more than the virtual machine has (tests/vm), where this runs too."""
    if backend == "docker":
        return docker
    from harness import kubernetes

    return kubernetes


def backend_options(options, cell):
    """Of the daemon. Every runtime of the corpus is in one image."""
    if not cell:
        return ["--backend", options.backend]
    if options.image:
        with open(options.image, "rb") as image:
            cell.import_image(docker.COMPILERS_IMAGE, image)
    else:
        cell.load(docker.COMPILERS_IMAGE)
    if options.backend == "kubernetes":
        cell.load(harness_of(options.backend).KEEPER_IMAGE, keeper=options.keeper)
        return cell.daemon_options(docker.COMPILERS_IMAGE)
    return ["--backend", options.backend, "--docker-host", cell.host, "--docker-image", docker.COMPILERS_IMAGE]


def run(options, cases, directory, cell, report):
    """Runs everything, and returns what a thing that is left over of ours would have in its name."""
    identity = ORDINARY_USER if options.as_user else None
    # The build folder may be closed to an ordinary user, so the programs under test come along.
    assayd, keeper = (shutil.copy(program, directory) for program in (options.assayd, options.keeper))
    if identity:
        os.chown(directory, *identity)
    canaries = Canaries(directory)
    daemon = Daemon(
        assayd, keeper, directory, slots=options.slots, identity=identity, queue=2000,
        options=backend_options(options, cell), cgroup=delegated_cgroup(identity) if options.delegated else None,
        enter=cell.into_network() if options.backend == "kubernetes" else (),
    )
    daemon.start()
    try:
        names = traces.names_of(daemon)
        if cell:  # that the backend has met it is known when something has run there
            daemon.client().submit({"command": ["true"]}, wait=PATIENCE_SECONDS)
        corpus = Corpus(options, daemon, canaries, report)
        report.run("before: what this host lacks is what was said", corpus.check_lacks)
        able = [one for one in cases if all(map(os.path.exists, one.needs))]
        for one in set(cases) - set(able):
            report.skip(one.name, f"needs {', '.join(one.needs)}")
        corpus.run([one for one in able if not one.alone], CLIENTS)
        corpus.run([one for one in able if one.alone], 1)
        report.run("afterwards: no case touched the host", canaries.faults)
        own = cell.processes() if cell else set()
        report.run("afterwards: only the daemon and its keepers are left", left_processes, own, {"assayd", "assay-keeper"})
        report.run("afterwards: no evidence is left", left_evidence, daemon)
        if cell:
            report.run(f"afterwards: nothing is left in {options.backend}", LEFT_IN[options.backend], cell)
    finally:
        daemon.stop()
    report.run("afterwards: no process is left once the daemon has stopped", left_processes, own, set())
    report.result("afterwards: the sanitizers have nothing to say", daemon.sanitizer_reports())
    return names


class Corpus:
    """Runs cases against a daemon, several at once, and reports each."""

    def __init__(self, options, daemon, canaries, report):
        self.options = options
        self.daemon = daemon
        self.report = report
        self.variables = canaries.variables() | {"state_dir": daemon.state, "daemon_pid": daemon.pid}
        self.lacks = lacking(daemon.client())
        self.lock = threading.Lock()
        self.timeouts = 0

    def check_lacks(self):
        self.report.note(f"this host lacks: {', '.join(sorted(self.lacks)) or 'nothing'}")
        if self.options.lacks is not None and (said := set(filter(None, self.options.lacks.split(",")))) != self.lacks:
            yield f"found to lack {sorted(self.lacks)}, expected {sorted(said)}"

    def run(self, cases, clients):
        waiting = queue.SimpleQueue()
        for one in cases:
            waiting.put(one)
        threads = [threading.Thread(target=self._work, args=[waiting]) for _ in range(clients)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def _work(self, waiting):
        while True:
            try:
                one = waiting.get_nowait()
            except queue.Empty:
                return
            faults = self._guarded(one)
            with self.lock:
                self.report.result(f"{one.name}: {one.rule}", faults)

    def _guarded(self, one):
        if self.timeouts > TIMEOUTS_MAX:
            return ["not tried: too many others did not end in time"]
        try:
            return self._run_case(one)
        except Exception as exception:
            self.timeouts += isinstance(exception, TimeoutError)
            return [f"{type(exception).__name__}: {exception}", *self.daemon.log(2000).splitlines()]

    def _run_case(self, one):
        client = self.daemon.client(PATIENCE_SECONDS + 10)
        submission = one.prepared(self.variables, self.options.time_factor, self.options.compiled)
        answers = [client.submit(submission) for _ in range(min(one.copies, self.options.copies_most))]
        if one.refused:
            return [fault for answer in answers for fault in refusal(answer, one.refused)]
        faults = []
        for answer in answers:
            if answer.status != 202:
                return [f"the submission was answered {answer}"]
            outcome = self._outcome(client, answer.json["id"], one)
            wrong = expect.compare(outcome, one.expect(self.options.backend, self.lacks), submission["limits"], self.options.time_factor)
            faults += [*wrong, json.dumps(outcome.evaluation)[:3000]] if wrong else []
            if len(faults) > 50:
                break
        return faults

    def _outcome(self, client, evaluation_id, one):
        if one.cancel_after_ms is not None:
            wait_until_running(client, evaluation_id)
            time.sleep(one.cancel_after_ms / 1000 * self.options.time_factor)
            client.cancel(evaluation_id)
        evaluation = client.finished(evaluation_id, PATIENCE_SECONDS)
        streams = ("stdout", "stderr", "output")
        return expect.Outcome(evaluation, {stream: client.raw(evaluation_id, stream) for stream in streams})


def refusal(answer, expected):
    """Whether a submission was refused as it must be: the status, and the place in the document that is at fault."""
    if answer.status != expected["status"]:
        yield f"answered {answer}, expected {expected['status']}"
        return
    if answer.headers.get_content_type() != "application/problem+json":
        yield f"the answer is {answer.headers.get_content_type()}"
    paths = [error["path"] for error in answer.json.get("errors", [])]
    if "path" in expected and expected["path"] not in paths:
        yield f"the faults are at {paths}, expected one at {expected['path']}"


def wait_until_running(client, evaluation_id):
    deadline = time.monotonic() + PATIENCE_SECONDS
    while client.get(evaluation_id)["status"] in ("queued", "starting", "preparing") and time.monotonic() < deadline:
        time.sleep(0.01)


def lacking(client):
    """The isolation features that this daemon's sandboxes do not have, by its own word."""
    gaps = client.request("GET", "/v1/doctor").json["isolation_gaps"]
    return {feature for feature, words in FEATURES.items() if any(words in gap for gap in gaps)}


def left_processes(own, allowed):
    def look():
        traces.reap()
        left = {pid: name for pid, name in traces.descendants().items() if pid not in own}
        return [f"left over: process {pid} {name}" for pid, name in left.items() if name not in allowed]

    return traces.eventually(look)


def left_evidence(daemon):
    return traces.eventually(lambda: [f"left over: evidence {path.name}" for path in daemon.evidence()])


def left_in_engine(engine):
    return traces.eventually(lambda: [f"left over: container {container['Names']}" for container in engine.containers()])


def left_in_cluster(cluster):
    return traces.eventually(cluster.left_over, CLUSTER_PATIENCE_SECONDS)


LEFT_IN = {"docker": left_in_engine, "kubernetes": left_in_cluster}


if __name__ == "__main__":
    sys.exit(main())
