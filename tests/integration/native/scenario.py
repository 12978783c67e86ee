"""What the scenarios share: the programs under test, given as arguments, and a daemon of the test's own around each rule."""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from harness import tap, traces
from harness.daemon import Daemon
from harness.evaluations import DIVIDE, TRACEBACK, parallel, verdicts


class Scenario:
    """Rules are functions whose names say what holds; `main` runs each as one case."""

    def __init__(self):
        parser = argparse.ArgumentParser()
        parser.add_argument("--assayd", required=True, type=Path)
        parser.add_argument("--keeper", required=True, type=Path)
        self.options = parser.parse_args()

    def daemon(self, **settings):
        return Daemon(self.options.assayd, self.options.keeper, **settings)


def main(*rules):
    traces.adopt_orphans()
    scenario = Scenario()
    report = tap.Tap()
    for rule in rules:
        report.run(rule.__name__.replace("_", " "), rule, scenario)
        report.result(f"{rule.__name__.replace('_', ' ')}: nothing is left over", traces.eventually(left_processes))
    sys.exit(report.done())


def left_processes():
    traces.reap()
    return [f"left over: process {pid} {name}" for pid, name in traces.descendants().items()]
