"""Cases: programs with their true verdicts, as data.

A case is a file in cases/<group>/. It begins with a block of comments, in the language of the program, that has two parts
with an empty comment line between them: the rule that the case holds us to, in words, and a TOML document, the rest of the
submission and what is expected of it. All of the file, comments included, is the program. A file named *.toml is a
submission without a program of its own. See README.md for the keys.

    # An uncaught exception ends a Python program with code 1, and its traceback is kept to the last byte.
    #
    # [expect]
    # verdict = "failed"
    # exit_code = 1
    # stderr = "..."
    print(1 / 0)
"""

import base64
import itertools
import re
import tomllib
from pathlib import Path

LANGUAGES = {  # by the name's ending: runtime, start of a comment
    ".py": ("python", "#"),
    ".sh": ("sh", "#"),
    ".bash": ("bash", "#"),
    ".c": ("c", "//"),
    ".cpp": ("c++", "//"),
    ".js": ("node", "//"),
    ".toml": (None, "#"),
}

# A limit that a case leaves out. Generous times, for machines that are slow or busy; a small output, so that it is exceeded.
LIMITS = {"wall_time_ms": 20_000, "cpu_time_ms": 10_000, "output_bytes": 65_536}
TIMES = ("wall_time_ms", "cpu_time_ms")

SUBMISSION_KEYS = {
    "runtime", "command", "code", "args", "stdin", "stdin_encoding", "env", "files", "limits", "on_output_limit", "labels", "network", "backend",
}
KEYS = SUBMISSION_KEYS | {"copies", "alone", "needs", "cancel_after_ms", "expect", "unless", "on", "refused"}


class Case:
    """`submission` is what is posted, `copies` times at once. Either `expect` or `refused` says what must come of it."""

    def __init__(self, path):
        runtime, comment = LANGUAGES[path.suffix]
        text = path.read_text(encoding="utf-8")
        self.name = f"{path.parent.name}/{path.name}"
        self.rule, header = _header(path, text, comment)
        document = tomllib.loads(header)
        if unknown := document.keys() - KEYS:
            raise ValueError(f"{path}: unknown keys: {', '.join(sorted(unknown))}")
        if ("expect" in document) == ("refused" in document):
            raise ValueError(f"{path}: say either what is expected or how it is refused")
        self.copies = document.get("copies", 1)
        self.alone = document.get("alone", False) or self.copies > 1
        self.needs = document.get("needs", [])
        self.cancel_after_ms = document.get("cancel_after_ms")
        self.refused = document.get("refused")
        self._expect, self._unless, self._on = document.get("expect"), document.get("unless", {}), document.get("on", {})
        self.submission = {key: document[key] for key in SUBMISSION_KEYS & document.keys()}
        self.submission["limits"] = LIMITS | self.submission.get("limits", {})
        self.submission = _expanded(self.submission)
        if runtime and "command" not in self.submission:
            self.submission.setdefault("runtime", runtime)
            self.submission["code"] = text
        elif runtime:
            self.submission.setdefault("files", []).append({"path": path.name, "content": text})

    def expect(self, backend, lacks):
        """What is expected on this backend and a host that lacks these isolation features: [on.BACKEND] and [unless.FEATURE]
        replace or unset keys of it."""
        expect = self._expect | self._on.get(backend, {})
        for feature in sorted(lacks & self._unless.keys()):
            expect |= self._unless[feature]
        return {key: value for key, value in expect.items() if key != "unset" and key not in expect.get("unset", [])}

    def prepared(self, variables, time_factor, compiled=None):
        """The submission with ${variables} filled in, and its time limits made longer for a slow machine. With `compiled`,
        a directory, a C program is taken from there as it was compiled elsewhere."""
        submission = fill(self.submission, variables, skip="code")
        limits = submission["limits"]
        submission["limits"] = limits | {key: int(limits[key] * time_factor) for key in TIMES}
        if compiled and submission.get("runtime") == "c":
            program = base64.b64encode((compiled / self.name.replace("/", "-")).read_bytes()).decode()
            del submission["runtime"], submission["code"]
            submission["files"] = [{"path": "main", "content": program, "encoding": "base64", "executable": True}]
            submission["command"] = ["./main"]
        return submission


def load(directory, pattern=None):
    """All cases below `directory` whose names match the regular expression."""
    paths = sorted(path for path in Path(directory).glob("*/*") if path.suffix in LANGUAGES)
    cases = [Case(path) for path in paths]
    return [case for case in cases if not pattern or re.search(pattern, case.name)]


def fill(value, variables, skip=None):
    """`value`, a tree of tables and lists, with every ${name} in its strings replaced."""
    if isinstance(value, str):
        return re.sub(r"\$\{(\w+)\}", lambda match: str(variables[match[1]]), value)
    if isinstance(value, dict):
        return {key: item if key == skip else fill(item, variables) for key, item in value.items()}
    if isinstance(value, list):
        return [fill(item, variables) for item in value]
    return value


def repeated(table):
    """{repeat = "ab", bytes = 3} is b"aba"."""
    pattern = table["repeat"].encode()
    return (pattern * (table["bytes"] // len(pattern) + 1))[: table["bytes"]]


def _expanded(value):
    """`value` with every {repeat = …, bytes = …} in it made into the text that it stands for."""
    if isinstance(value, dict):
        if value.keys() == {"repeat", "bytes"}:
            return repeated(value).decode()
        return {key: _expanded(item) for key, item in value.items()}
    return [_expanded(item) for item in value] if isinstance(value, list) else value


def _comment(text, mark):
    """The lines of the leading comment, without the mark."""
    lines = text.splitlines()
    if lines and lines[0].startswith("#!"):
        del lines[0]
    return [line[len(mark) :].removeprefix(" ") for line in itertools.takewhile(lambda line: line.startswith(mark), lines)]


def _header(path, text, mark):
    """The rule, as one line, and the TOML document. The whole of a *.toml is its document."""
    comment = _comment(text, mark)
    rule = list(itertools.takewhile(bool, comment))
    return " ".join(rule), text if path.suffix == ".toml" else "\n".join(comment[len(rule) :])
