"""The Test Anything Protocol: one line a case, so that every case is counted by itself."""

import sys
import traceback

NOTE_LINES_MAX, NOTE_CHARACTERS_MAX = 200, 2000


class Note(str):
    """Yielded by a case among its faults: something to be read in the log, and no fault."""


class Tap:
    """Prints results as they come and the plan at the end. Use as: sys.exit(tap.done())."""

    def __init__(self):
        self.count = 0
        self.failures = 0

    def _print(self, text):
        print(text, flush=True)

    def result(self, name, faults=()):
        """One case: passed when `faults`, lines that say what was wrong, is empty."""
        self.count += 1
        self.failures += bool(faults)
        self._print(f"{'not ok' if faults else 'ok'} {self.count} - {_clean(name)}")
        for fault in faults:
            self.note(fault)

    def skip(self, name, reason):
        self.count += 1
        self._print(f"ok {self.count} - {_clean(name)} # SKIP {_clean(reason)}")

    def note(self, text):
        """Of what somebody floods, the beginning."""
        for line in str(text).splitlines()[:NOTE_LINES_MAX]:
            self._print(f"# {line[:NOTE_CHARACTERS_MAX]}")

    def run(self, name, function, *arguments):
        """One case that is a function: it raises an exception, or yields or returns lines that say what was wrong."""
        faults = []
        try:
            for said in function(*arguments) or ():
                self.note(said) if isinstance(said, Note) else faults.append(said)
        except Exception as exception:  # whatever went wrong is this case's failure, and the next case runs all the same
            faults += [f"{type(exception).__name__}: {exception}", *traceback.format_exc().splitlines()]
        self.result(name, faults)

    def done(self):
        self._print(f"1..{self.count}")
        return 1 if self.failures or not self.count else 0


def skip_all(reason):
    """For a test that cannot run here at all."""
    print(f"1..0 # SKIP {_clean(reason)}", flush=True)
    sys.exit(0)


def _clean(text):
    """A "#" would begin a directive."""
    return " ".join(text.replace("#", "number ").split())
