#!/usr/bin/python3
"""Holds the sources to ARCHITECTURE.md's layers, file by file, and prints TAP: which folder includes which, that the pure
core includes nothing that reaches the system, and that every header compiles alone.

    layers.py BUILD
"""

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from harness import tap

ROOT = Path(__file__).resolve().parents[2] / "src"

# What a folder may include beside itself. Linking enforces the same for functions; this is about types and macros too.
LAYERS = {
    "base": set(),
    "wire": {"base"},
    "core": {"base", "wire"},
    "store": {"base", "wire", "core"},
    "loop": {"base"},
    "backend": {"base", "wire", "core", "http", "loop", "yaml"},
    "yaml": {"base"},
    "http": {"base"},
    "api": {"base", "wire", "core", "store", "http", "loop"},
    "webhook": {"base", "wire", "core", "store", "http", "loop", "api"},
    "daemon": {"base", "wire", "core", "store", "backend", "http", "loop", "api", "webhook", "yaml"},
    "keeper": {"base", "wire"},
    "cli": {"base"},
}

# All that a pure function needs of the C library. There is no clock, no file, no thread and no system call in these.
PURE_HEADERS = {
    "assert.h", "ctype.h", "errno.h", "inttypes.h", "limits.h", "signal.h", "stdarg.h", "stdbool.h", "stddef.h", "stdint.h",
    "search.h", "stdio.h", "stdlib.h", "string.h",
}
# Of these headers, the core may use the names that compute, and none of those that act. (What it calls through a pointer, as
# in world->wall_now(), is handed in.)
IMPURE_NAMES = re.compile(
    r"(?<![>.\w])(printf|fprintf|vprintf|vfprintf|puts|fputs|fopen|fwrite|fread|perror|getenv|setenv|system|exit|_exit|rand|random|"
    r"srand|kill|raise|signal|sigaction|mono_now|wall_now|random_number|log_(fields|debug|info|warning|error))\s*\("
)
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.MULTILINE)


def folder(path):
    return path.relative_to(ROOT).parts[0]


def includes_of(path):
    """(whether it is one of ours, the name) of every file that it includes."""
    return [(quote == '"', name) for quote, name in INCLUDE.findall(path.read_text())]


def check_folder(name, paths):
    allowed = LAYERS[name] | {name}
    for path in paths:
        for ours, included in includes_of(path):
            if ours and not (ROOT / included).exists():
                yield f"{path}: includes \"{included}\", which is not a path below src/"
            elif ours and included.split("/")[0] not in allowed:
                yield f"{path}: includes \"{included}\", but {name} may use {', '.join(sorted(allowed))} only"


def check_purity(paths):
    for path in paths:
        for ours, included in includes_of(path):
            if not ours and included not in PURE_HEADERS:
                yield f"{path}: includes <{included}>, the core is pure"
        code = re.sub(r"/\*.*?\*/|//[^\n]*|\"(\\.|[^\"\\])*\"", "", path.read_text(), flags=re.DOTALL)
        for found in IMPURE_NAMES.finditer(code):
            yield f"{path}: calls {found[1]}(), the core is pure"


def compile_options(build):
    """{folder: the options that its files are compiled with}, from Meson's database."""
    options = {}
    for entry in json.loads((build / "compile_commands.json").read_text()):
        source = (Path(entry["directory"]) / entry["file"]).resolve()
        if ROOT in source.parents:
            words = shlex.split(entry["command"])
            if words[0].endswith("ccache"):  # Meson puts it before the compiler where it is installed
                words = words[1:]
            options[folder(source)] = [words[0], *(word for word in words if word.startswith(("-I", "-isystem", "-D", "-std", "-W")))]
    return options


def check_alone(build, options, header):
    """Through an including file, as every user does it: in a main file "#pragma once" would be warned of."""
    ended = subprocess.run(
        [*options, "-fsyntax-only", "-x", "c", "-"], cwd=build, capture_output=True, text=True,
        input=f'#include "{header.relative_to(ROOT)}"\n',
    )
    return ended.stderr.splitlines() if ended.returncode or ended.stderr else []


def main():
    build = Path(sys.argv[1]).resolve()
    report = tap.Tap()
    paths = sorted(ROOT.rglob("*.[ch]"))
    strangers = {folder(path) for path in paths} - LAYERS.keys()
    report.result("every folder of src/ has a place among the layers", [f"src/{name}" for name in sorted(strangers)])
    for name in LAYERS:
        mine = [path for path in paths if folder(path) == name]
        report.result(f"{name} includes what it may and nothing else", list(check_folder(name, mine)))
    report.result("the core is pure", list(check_purity([path for path in paths if folder(path) == "core"])))
    options = compile_options(build)
    for header in (path for path in paths if path.suffix == ".h"):
        report.result(f"{header.relative_to(ROOT)} compiles alone", check_alone(build, options[folder(header)], header))
    return report.done()


if __name__ == "__main__":
    sys.exit(main())
