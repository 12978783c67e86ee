#!/usr/bin/python3
"""Holds a real keeper to its rules, in every way that it can be started on this host, and prints TAP.

    test_keeper.py KEEPER [--only WORDS]

As root: of a slot as root with cgroups, as root without, and as an ordinary user; in a container with cgroups and
without; in a pod with cgroups and without.
As an ordinary user: of a slot as that.
"""

import os
import shutil
import sys
import traceback
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
sys.path.insert(0, str(Path(__file__).resolve().parent))

import endings  # noqa: E402,F401  (collects its rules)
import isolation  # noqa: E402,F401
import life  # noqa: E402,F401
import limits  # noqa: E402,F401
import life_podded  # noqa: E402,F401
import life_contained  # noqa: E402,F401
import output  # noqa: E402,F401
from harness.tap import Tap  # noqa: E402
from contained import Contained  # noqa: E402
from keeper_driver import Keeper  # noqa: E402
from podded import Podded  # noqa: E402
from rules import CONTAINER, POD, RULES, SLOT  # noqa: E402

ORDINARY_USER = 65534
KEEPERS = {SLOT: Keeper, CONTAINER: Contained, POD: Podded}


def hold(tap, way, binary, only, kind=SLOT, **options):
    keeper = None
    for rule in (rule for rule in RULES if only in rule.text and kind in rule.keepers):
        title = f"{way}: {rule.text}"
        try:
            keeper = keeper or KEEPERS[kind](binary, **options)
            missing = [rule.needs] if rule.needs and not shutil.which(rule.needs) else sorted(rule.features - keeper.features)
            if missing:
                tap.skip(title, f"needs {', '.join(missing)}")
                continue
            rule.holds(keeper)
            tap.result(title)
        except Exception:  # the next rule gets a keeper of its own
            tap.result(title, traceback.format_exc(limit=-2).splitlines())
            if keeper:
                keeper.abort()
            keeper = None
    if keeper:
        tap.result(f"{way}: a keeper whose daemon has gone, goes", [] if keeper.close() == 0 else ["it did not"])


def hold_as_ordinary_user(tap, binary, only):
    """In a child that gives its privileges up; its count of cases and failures comes back by a pipe."""
    receiving, sending = os.pipe()
    sys.stdout.flush()
    child = os.fork()
    if not child:
        os.setgroups([])
        os.setresgid(ORDINARY_USER, ORDINARY_USER, ORDINARY_USER)
        os.setresuid(ORDINARY_USER, ORDINARY_USER, ORDINARY_USER)
        hold(tap, "ordinary user", binary, only, cgroups=False)
        os.write(sending, f"{tap.count} {tap.failures}".encode())
        os._exit(0)
    os.close(sending)
    os.waitpid(child, 0)
    tap.count, tap.failures = map(int, os.read(receiving, 100).split())


def main():
    binary, only = os.path.abspath(sys.argv[1]), " ".join(sys.argv[3:])
    tap = Tap()
    if os.geteuid() == 0:
        hold(tap, "root", binary, only)
        hold(tap, "root without cgroups", binary, only, cgroups=False)
        hold_as_ordinary_user(tap, binary, only)
        hold(tap, "container", binary, only, CONTAINER)
        hold(tap, "container without cgroups", binary, only, CONTAINER, cgroups=False)
        hold(tap, "pod", binary, only, POD)
        hold(tap, "pod without cgroups", binary, only, POD, cgroups=False)
    else:
        hold(tap, "ordinary user", binary, only)
    sys.exit(tap.done())


main()
