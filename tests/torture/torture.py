"""What the tortures share: the programs under test, given as arguments, and the seed of all that is random."""

import argparse
import contextlib
import os
import random
import secrets
import signal
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from harness import tap, traces, witness
from harness.daemon import Daemon
from harness.length import long
from harness.tap import Note


class Torture:
    def __init__(self):
        parser = argparse.ArgumentParser()
        parser.add_argument("--assayd", required=True, type=Path)
        parser.add_argument("--keeper", required=True, type=Path)
        parser.add_argument("--seed", type=int, default=secrets.randbits(32), help="of all that is random")
        parser.add_argument("--match", default="", help="only rules with this in their name")
        self.options = parser.parse_args()
        self.random = random.Random(self.options.seed)

    def daemon(self, **settings):
        return Daemon(self.options.assayd, self.options.keeper, **settings)


def main(*rules, needs_witness=False):
    """Rules are functions whose names say what holds; each is one case."""
    if needs_witness and (reason := witness.why_not()):
        tap.skip_all(reason)
    traces.adopt_orphans()
    torture = Torture()
    report = tap.Tap()
    report.note(f"--seed {torture.options.seed}")

    for rule in rules:
        name = rule.__name__.replace("_", " ")
        if torture.options.match not in name:
            continue
        report.run(name, rule, torture)
        report.result(f"{name}: nothing is left over", traces.eventually(left_processes))
    sys.exit(report.done())


def left_processes():
    traces.reap()
    return [f"left over: process {pid} {name}" for pid, name in traces.descendants().items()]


def keepers(daemon):
    """The keepers themselves, of this daemon or of one before it. (Sandboxes are below them.)"""
    below = traces.children(daemon.pid) | traces.children(os.getpid())
    return [pid for pid, name in below.items() if name == "assay-keeper" and _is_of(daemon, pid)]


def _is_of(daemon, pid):
    try:
        return str(daemon.state) in Path(f"/proc/{pid}/cmdline").read_text()
    except OSError:
        return False


def kill_keepers(victims):
    """As far as they live."""
    for victim in victims:
        with contextlib.suppress(ProcessLookupError):
            os.kill(victim, signal.SIGKILL)
