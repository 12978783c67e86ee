"""What the scenarios with a real Kubernetes share: one cluster for a file, a daemon around each rule, and what may not be left
over."""

import argparse
import contextlib
import random
import secrets
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from harness import docker, events, kubernetes, relay, tap, traces
from harness.daemon import Daemon
from harness.evaluations import DIVIDE, TRACEBACK, check_counted, check_once, counter, parallel
from harness.length import long
from harness.load import Load
from harness.sightings import Sightings
from harness.tap import Note

PATIENCE_SECONDS = 180
RECONCILED_SECONDS = 150
LANDING_SECONDS = 400

# One that is alive for a while, and says so before and after.
SLEEP = "import time; print('begun', flush=True); time.sleep({}); print('ended')"


class Scenario:
    """`cluster` is shared by the rules of a file."""

    def __init__(self):
        parser = argparse.ArgumentParser()
        parser.add_argument("--assayd", required=True, type=Path)
        parser.add_argument("--keeper", required=True, type=Path)
        parser.add_argument("--cli", type=Path)
        parser.add_argument("--seed", type=int, default=secrets.randbits(32), help="of all that is random")
        parser.add_argument("--match", default="", help="only rules with this in their name")
        self.options = parser.parse_args()
        self.random = random.Random(self.options.seed)
        self.cluster = None

    def daemon(self, *, options=(), config=None, **settings):
        """`config`: another kubeconfig than the usual one."""
        cluster_options = [*self.cluster.daemon_options(config=config), *options]
        return Daemon(self.options.assayd, self.options.keeper, options=cluster_options, enter=self.cluster.into_network(), **settings)


def main(*rules, images=(docker.IMAGE,), **cluster_settings):
    """Each rule is a function whose name says what holds, or one with arguments: (function, argument, …). It yields what is wrong.
    `cluster_settings` are those of kubernetes.Cluster."""
    if reason := kubernetes.why_not():
        tap.skip_all(reason)
    traces.adopt_orphans()
    scenario = Scenario()
    report = tap.Tap()
    report.note(f"--seed {scenario.options.seed}")
    with kubernetes.Cluster(**cluster_settings) as scenario.cluster:
        scenario.cluster.load(kubernetes.KEEPER_IMAGE, *images, keeper=scenario.options.keeper)
        for rule in rules:
            function, *arguments = rule if isinstance(rule, tuple) else (rule,)
            name = " ".join([function.__name__.replace("_", " "), *map(str, arguments)])
            if scenario.options.match not in name:
                continue
            begun = time.monotonic()
            report.run(name, function, scenario, *arguments)
            report.note(f"{time.monotonic() - begun:.1f} s")
            report.result(f"{name}: nothing is left over", traces.eventually(scenario.cluster.left_over, RECONCILED_SECONDS))
    sys.exit(report.done())


def left_by_daemon(daemon):
    """What it should have removed by itself, once it had the time: to be asked while it runs."""
    return traces.eventually(lambda: [f"left over: evidence {path.name}" for path in daemon.evidence()], RECONCILED_SECONDS)


def wait_until(what, condition, seconds=PATIENCE_SECONDS):
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds} s: {what}")
        time.sleep(0.1)
    return found


def wait_until_running(client, ids):
    wait_until("all run", lambda: not any(client.get(each)["status"] in ("queued", "preparing", "starting") for each in ids))


def finish_all(daemon, ids, seconds=PATIENCE_SECONDS):
    """The evaluations in the order of their ids, each with its verdict."""
    return parallel(16, lambda each: daemon.client(seconds + 30).finished(each, seconds), ids)


def python(code, **more):
    return {"runtime": "python", "code": code} | more


def submit(daemon, *submissions):
    client = daemon.client()
    return [client.submit(submission).json["id"] for submission in submissions]


class Flight:
    """Many evaluations, long and short, of which each can end in one way only."""

    LONG, SHORT, LONG_SECONDS = 4, 3, 30

    def __init__(self, daemon):
        self.daemon = daemon
        limits = {"wall_time_ms": 300_000}
        self.long = submit(daemon, *[python(SLEEP.format(self.LONG_SECONDS), limits=limits)] * self.LONG)
        self.short = []

    def take_off(self):
        """Until the long ones run; the short ones are on their way then."""
        wait_until_running(self.daemon.client(), self.long)
        self.add_short(self.SHORT)

    def add_short(self, count):
        ids = submit(self.daemon, *[python(DIVIDE)] * count)
        self.short += ids
        return ids

    def land(self):
        yield from check_divided(finish_all(self.daemon, self.short, LANDING_SECONDS))
        for evaluation in finish_all(self.daemon, self.long, LANDING_SECONDS):
            if verdict_of(evaluation)[:2] != ("completed", 0) or evaluation["stdout"]["text"] != "begun\nended\n" or evaluation["attempt"] != 1:
                yield f"{evaluation}"


def through_trouble(daemon, trouble):
    """Some are on their way when it begins, and more come afterwards; `trouble(flight)` may add more meanwhile."""
    flight = Flight(daemon)
    flight.take_off()
    trouble(flight)
    flight.add_short(2)
    yield from flight.land()
    yield from left_by_daemon(daemon)


def verdict_of(evaluation):
    verdict = evaluation["verdict"]
    return verdict["kind"], verdict["exit_code"], verdict["reason"]


def check_divided(evaluations):
    """All failed with code 1, and the traceback is whole."""
    for evaluation in evaluations:
        verdict = evaluation["verdict"]
        got = verdict["kind"], verdict["exit_code"], evaluation.get("stderr", {}).get("text"), evaluation.get("stdout", {}).get("bytes")
        if got != ("failed", 1, TRACEBACK, 0) or evaluation["attempt"] != 1:
            yield f"{evaluation}"


@contextlib.contextmanager
def stopped(process):
    """One of the cluster's daemons stands still meanwhile."""
    process.pause()
    try:
        yield
    finally:
        process.resume()
