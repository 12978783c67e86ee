"""The rules that a keeper must hold, collected from the modules that state them."""

from typing import Callable, NamedTuple

RULES = []
SLOT, CONTAINER, POD = "slot", "container", "pod"


class Rule(NamedTuple):
    text: str
    holds: Callable  # given a running keeper it raises where the rule does not hold
    needs: str  # a command of the host, or None
    features: frozenset  # what the sandbox must give, or the rule means nothing
    keepers: tuple  # of which kinds of keepers it speaks


def rule(text, needs=None, features=(), of=(SLOT, CONTAINER, POD)):
    """Marks the function that tells whether the rule holds."""

    def collect(function):
        RULES.append(Rule(text, function, needs, frozenset(features), of if isinstance(of, tuple) else (of,)))
        return function

    return collect


def same(found, expected):
    if found != expected:
        raise AssertionError(f"\n  found    {found!r}\n  expected {expected!r}")
