"""The rules that a keeper must hold, collected from the modules that state them."""

RULES = []


def rule(text, needs=None):
    """Marks a function of a running keeper that raises where the rule does not hold. `needs` is a command of the host."""

    def collect(function):
        RULES.append((text, needs, function))
        return function

    return collect


def same(found, expected):
    if found != expected:
        raise AssertionError(f"\n  found    {found!r}\n  expected {expected!r}")
