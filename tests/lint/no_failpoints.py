#!/usr/bin/python3
"""What is shipped cannot be told to die: no failpoint (src/base/failpoint.h) is left in it, neither its code nor its name.

    no_failpoints.py PROGRAM…
"""

import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from harness import tap


def found_in(program):
    if b"ASSAY_FAILPOINT" in Path(program).read_bytes():
        yield "it knows the variable that arms them"
    symbols = subprocess.run(["nm", "--debug-syms", program], check=True, capture_output=True, text=True).stdout
    yield from (line for line in symbols.splitlines() if "failpoint" in line)
    if " T main" not in symbols:
        yield "it has no symbols that could be looked at"


report = tap.Tap()
for path in sys.argv[1:]:
    report.run(f"{Path(path).name} has no failpoints", found_in, path)
sys.exit(report.done())
