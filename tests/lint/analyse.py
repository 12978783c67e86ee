#!/usr/bin/python3
"""Runs a static analyser over every source file and prints TAP, one case a file. What was found clean before, with all that it includes and
with the same analyser and rules, is not looked at again: that is remembered outside of the clone.

    analyse.py clang-tidy|cppcheck BUILD
"""

import hashlib
import json
import os
import shlex
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from harness import tap

ROOT = Path(__file__).resolve().parents[2]
SECONDS_MAX = 300


RULES = (".clang-tidy", "tests/lint/jansson.cfg", "tests/lint/cppcheck-suppressions.txt")


def sources(build):
    """What Meson compiles from src/, each file once: {path: the directory and the command it is compiled with}."""
    entries = json.loads((build / "compile_commands.json").read_text())
    paths = {(Path(entry["directory"]) / entry["file"]).resolve(): (entry["directory"], shlex.split(entry["command"])) for entry in entries}
    return {path: paths[path] for path in sorted(paths) if ROOT / "src" in path.parents}


def clang_tidy(build, path):
    return ["clang-tidy", "--quiet", "--warnings-as-errors=*", f"-p={build}", str(path)]


def cppcheck(_, path):
    return [
        "cppcheck", "--quiet", "--enable=warning,performance,portability", "--inline-suppr", "--error-exitcode=1", "--std=c11",
        "--library=posix", f"--library={ROOT}/tests/lint/jansson.cfg",
        f"--suppressions-list={ROOT}/tests/lint/cppcheck-suppressions.txt", "-D_GNU_SOURCE", f"-I{ROOT}/src",
        str(path),
    ]


ANALYSERS = {"clang-tidy": clang_tidy, "cppcheck": cppcheck}


class Memory:
    """Of what was found clean, as empty files. Those that this run does not need are forgotten at its end."""

    def __init__(self, name):
        cache = subprocess.run([ROOT / "tests/vm/cache-directory"], check=True, stdout=subprocess.PIPE, text=True).stdout.strip()
        self.directory = Path(cache, f"lint-{name}")
        self.directory.mkdir(exist_ok=True)
        version = subprocess.run([name, "--version"], check=True, stdout=subprocess.PIPE).stdout
        self.rules = version + b"".join((ROOT / rule).read_bytes() for rule in RULES) + Path(__file__).read_bytes()
        self.used = set()

    def place(self, path, directory, compile_command):
        """Of a source file, named for all that the analyser sees of it: the file, and the text that the compiler makes of it."""
        flags = [word for word in compile_command if word.startswith(("-I", "-isystem", "-D", "-std", "-pthread"))]
        text = subprocess.run(["clang", *flags, "-E", "-C", str(path)], check=True, stdout=subprocess.PIPE, cwd=directory).stdout
        seen = self.rules + path.read_bytes() + text.replace(str(ROOT).encode(), b"")
        place = self.directory / hashlib.sha256(seen).hexdigest()
        self.used.add(place)
        return place

    def forget_others(self):
        for place in set(self.directory.iterdir()) - self.used:
            place.unlink(missing_ok=True)


def analyse(memory, command, path, compiled_by):
    place = memory.place(path, *compiled_by)
    if place.exists():
        return []
    ended = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=SECONDS_MAX)
    if ended.returncode == 0:
        place.touch()
        return []
    return (ended.stdout + ended.stderr).splitlines()[:100]


def main():
    name, build = sys.argv[1], Path(sys.argv[2]).resolve()
    report, memory = tap.Tap(), Memory(name)
    found = sources(build)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        results = pool.map(lambda one: analyse(memory, ANALYSERS[name](build, one[0]), one[0], one[1]), found.items())
        for path, faults in zip(found, results):
            report.result(f"{name} {path.relative_to(ROOT)}", faults)
    memory.forget_others()
    return report.done()


if __name__ == "__main__":
    sys.exit(main())
