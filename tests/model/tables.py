"""The tables of the life cycle, as the core has them and as the model has them."""

import re

# What is compared: the model's name, and where the core has it.
KINDS = ("states", "moves", "verdicts", "presences", "launch results")


def _rows(text, table, columns):
    """The first columns of each row of an X-macro table, "#define TABLE(X) X(...) X(...)" with continued lines."""
    found = re.search(rf"^#define {table}\(X\)((?:.*\\\n)*.*)", text, re.MULTILINE)
    if not found:
        raise ValueError(f"no table {table}")
    pattern = r"\bX\(" + r",\s*".join([r"(\w+)"] * columns)
    return re.findall(pattern, found.group(1))


def _names(text, kind):
    """The names of an mtype."""
    found = re.search(rf"^mtype:{kind} = {{([^}}]*)}}", text, re.MULTILINE)
    if not found:
        raise ValueError(f"no mtype {kind}")
    return re.findall(r"\w+", found.group(1))


def _enumeration(text, name):
    found = re.search(rf"^enum {name} {{(.*?)^}}", text, re.MULTILINE | re.DOTALL)
    if not found:
        raise ValueError(f"no enum {name}")
    return re.findall(r"^\s*(\w+),?\s*(?:/\*|$)", found.group(1), re.MULTILINE)


def core_tables(lifecycle, verdict, world):
    """Of the texts of core/lifecycle.h, core/verdict.h and core/world.h."""
    return {
        "states": _rows(lifecycle, "STATES", 1),
        "moves": _rows(lifecycle, "MOVES", 2),
        "verdicts": _rows(verdict, "VERDICTS", 1),
        "presences": [name.lower() for name in _rows(verdict, "PRESENCES", 1)],
        "launch results": [name.lower() for name in _enumeration(world, "launch_result")],
    }


def model_tables(table):
    """Of the text of table.inc."""
    return {
        "states": _names(table, "state_name"),
        "moves": _rows(table, "MOVES", 2),
        "verdicts": _names(table, "verdict_kind"),
        "presences": _names(table, "presence"),
        "launch results": _names(table, "launch_result"),
    }


def claims(table):
    """The names of what must hold at every moment, of the text of table.inc."""
    return re.findall(r"^#define (\w+) \d+ +/\* (?!for formulas)", table, re.MULTILINE)


def differences(core, model):
    """Lines that say what one side has and the other has not, for one kind."""
    for name in core:
        if name not in model:
            yield f"the model lacks {_text(name)}"
    for name in model:
        if name not in core:
            yield f"the core has no {_text(name)}"
    for side, names in (("core", core), ("model", model)):
        if len(set(names)) != len(names):
            yield f"the {side} has a name twice"
        if not names:
            yield f"the {side}'s table is empty"


def _text(name):
    return " → ".join(name) if isinstance(name, tuple) else name
