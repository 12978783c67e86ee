#!/usr/bin/python3
"""Runs a static analyser over every source file and prints TAP, one case a file.

    analyse.py clang-tidy|cppcheck BUILD
"""

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from harness import tap

ROOT = Path(__file__).resolve().parents[2]
SECONDS_MAX = 300


def sources(build):
    """What Meson compiles from src/, each file once."""
    entries = json.loads((build / "compile_commands.json").read_text())
    paths = {(Path(entry["directory"]) / entry["file"]).resolve() for entry in entries}
    return sorted(path for path in paths if ROOT / "src" in path.parents)


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


def analyse(command):
    ended = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=SECONDS_MAX)
    return (ended.stdout + ended.stderr).splitlines()[:100] if ended.returncode else []


def main():
    name, build = sys.argv[1], Path(sys.argv[2]).resolve()
    report = tap.Tap()
    paths = sources(build)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for path, faults in zip(paths, pool.map(lambda path: analyse(ANALYSERS[name](build, path)), paths)):
            report.result(f"{name} {path.relative_to(ROOT)}", faults)
    return report.done()


if __name__ == "__main__":
    sys.exit(main())
