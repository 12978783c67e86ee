"""What the scenarios with a real Docker Engine share: the engine of a test's own, and a daemon around each rule."""

import argparse
import contextlib
import random
import secrets
import sys
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from harness import docker, tap, traces
from harness.daemon import Daemon
from harness.docker_proxy import Proxy
from harness.evaluations import DIVIDE, TRACEBACK, check_counted, check_once, counter, output_of, parallel, verdicts
from harness.length import long
from harness.load import Load
from harness.sightings import Sightings
from harness.tap import Note

EVIDENCE = ("bind", "volume")
PATIENCE_SECONDS = 120
RECONCILED_SECONDS = 90
# Where evidence makes no difference to the rule.
SHORT_EVIDENCE = long(EVIDENCE, EVIDENCE[:1])


class Scenario:
    """`engine` is shared by the rules of a file, and is there while `main` runs."""

    def __init__(self, images, engine_settings):
        parser = argparse.ArgumentParser()
        parser.add_argument("--assayd", required=True, type=Path)
        parser.add_argument("--keeper", required=True, type=Path)
        parser.add_argument("--cli", type=Path)
        parser.add_argument("--seed", type=int, default=secrets.randbits(32), help="of all that is random")
        parser.add_argument("--match", default="", help="only rules with this in their name")
        self.options = parser.parse_args()
        self.random = random.Random(self.options.seed)
        self.images, self.engine_settings = images, engine_settings
        self.engine = None

    @contextlib.contextmanager
    def own_engine(self, **settings):
        """Another engine, with the same images, takes the place of the shared one meanwhile. (Settings: docker.Engine.)"""
        shared = self.engine
        try:
            with docker.Engine(**(self.engine_settings | settings)) as self.engine:
                self.engine.load(*self.images)
                yield self.engine
        finally:
            self.engine = shared

    def daemon(self, *, host=None, evidence="bind", image=docker.IMAGE, options=(), **settings):
        """assayd in front of `host` (the engine itself, unless a proxy is given)."""
        docker_options = ["--backend", "docker", "--docker-host", host or self.engine.host, "--docker-evidence", evidence]
        if image:
            docker_options += ["--docker-image", image]
        return Daemon(self.options.assayd, self.options.keeper, options=[*docker_options, *options], **settings)

    @contextlib.contextmanager
    def proxied_daemon(self, **settings):
        """The proxy and the daemon behind it."""
        with Proxy(self.engine.directory / "proxy.sock", self.engine.socket) as proxy, self.daemon(host=proxy.host, **settings) as daemon:
            yield proxy, daemon


def main(*rules, images=(docker.IMAGE,), **engine_settings):
    """Each rule is a function whose name says what holds, or one with arguments: (function, argument, …). `engine_settings` are
    those of docker.Engine."""
    if reason := docker.why_not():
        tap.skip_all(reason)
    traces.adopt_orphans()
    scenario = Scenario(images, engine_settings)
    report = tap.Tap()
    report.note(f"--seed {scenario.options.seed}")
    with scenario.own_engine() as engine:
        for rule in rules:
            function, *arguments = rule if isinstance(rule, tuple) else (rule,)
            name = " ".join([function.__name__.replace("_", " "), *map(str, arguments)])
            if scenario.options.match not in name:
                continue
            begun = time.monotonic()
            report.run(name, function, scenario, *arguments)
            report.note(f"{time.monotonic() - begun:.1f} s")
            report.result(f"{name}: nothing is left over", traces.eventually(lambda: left_over(engine)))
    sys.exit(report.done())


def left_over(engine):
    """Containers and volumes of anybody, and processes that are not the engine's own."""
    traces.reap()
    own = engine.processes()
    left = [f"left over: process {pid} {name}" for pid, name in traces.descendants().items() if pid not in own]
    left += [f"left over: container {container['Names']} {container['Status']}" for container in engine.containers()]
    return left + [f"left over: volume {volume['Name']}" for volume in engine.call("GET", "/volumes")["Volumes"] or ()]


def left_by_daemon(daemon):
    """What it should have removed by itself, once it had the time: to be asked while it runs. What its crash left behind is
    found by the reconciler, which lets a container be for a while before it takes it for a leftover."""
    return traces.eventually(lambda: [f"left over: evidence {path.name}" for path in daemon.evidence()], RECONCILED_SECONDS)


def wait_until(what, condition, seconds=PATIENCE_SECONDS):
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds} s: {what}")
        time.sleep(0.02)


def wait_until_running(client, ids, seconds=PATIENCE_SECONDS):
    """Until none of these waits or starts any more."""
    waiting = {"queued", "preparing", "starting"}
    wait_until("all run", lambda: not any(client.get(each)["status"] in waiting for each in ids), seconds)


def finish_all(daemon, ids, seconds=PATIENCE_SECONDS):
    """The evaluations in the order of their ids, each with its verdict."""
    return parallel(16, lambda each: daemon.client().finished(each, seconds), ids)


def divide_all(daemon, count, clients=16):
    """So many programs that die as soon as they run, finished."""
    local = threading.local()

    def evaluate(_):
        if not hasattr(local, "client"):
            local.client = daemon.client(PATIENCE_SECONDS + 30)
        return local.client.submit({"runtime": "python", "code": DIVIDE}, wait=PATIENCE_SECONDS).json

    return parallel(clients, evaluate, range(count))


def check_divided(evaluations):
    """All failed with code 1, and the traceback is whole."""
    for evaluation in evaluations:
        verdict = evaluation["verdict"] or {"kind": evaluation["status"], "exit_code": None}
        got = verdict["kind"], verdict["exit_code"], evaluation.get("stderr", {}).get("text"), evaluation.get("stdout", {}).get("bytes")
        if got != ("failed", 1, TRACEBACK, 0) or evaluation["attempt"] != 1:
            yield f"{evaluation}"
