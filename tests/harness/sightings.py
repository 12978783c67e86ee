"""Which programs were seen to run on this machine, and how often."""

import contextlib
import os
import secrets
import threading
from pathlib import Path


class Sightings(threading.Thread):
    """A witness that asks neither a backend nor Assay: sees in /proc which programs run, by an argument of theirs.

        with Sightings() as seen:
            submission = counter(…, seen.argument(number))
            …
        seen.runs[number]     # {(pid, start time), …}: more than one means that it ran twice
    """

    PAUSE_SECONDS = 0.1

    def __init__(self):
        super().__init__(daemon=True)
        self.token = f"witness-{secrets.token_hex(8)}-"
        self.runs = {}
        self.done = threading.Event()

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.done.set()
        self.join()

    def argument(self, number):
        return f"{self.token}{number}"

    def run(self):
        token = self.token.encode()
        while not self.done.wait(self.PAUSE_SECONDS):
            for pid in filter(str.isdigit, os.listdir("/proc")):
                with contextlib.suppress(OSError):
                    command = Path(f"/proc/{pid}/cmdline").read_bytes()
                    if token in command:
                        started = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[19]
                        number = int(command.partition(token)[2].split(b"\0")[0])
                        self.runs.setdefault(number, set()).add((pid, started))

    def faults(self):
        """What ran twice."""
        for number, runs in sorted(self.runs.items()):
            if len(runs) > 1:
                yield f"number {number} ran {len(runs)} times"
