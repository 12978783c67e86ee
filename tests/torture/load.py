"""Programs whose output and end are a function of their number, clients that submit them and write down what they are told, and
the oracle: what was told once is true for ever, and what is said of a program is what it did, or `lost` by the platform's fault."""

import http.client
import sys
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from harness.witness import START

OUTPUT_LIMIT = 1 << 20  # the default of output_bytes
SCRIPT = START + 'yes "$1" | head -c "$2"; echo "error $1" >&2; sleep "$4"; exit "$3"'
# Small ones, and some too large for the database (256 KiB), which become files; the last is over the output limit.
SIZES = (0, 7, 1000, 300_000, 20, 5000, 262_144, 0, 262_145, 64, 900_000, 12, 1_500_000)


def submission(number, **more):
    """With every fourth, a client asks for a second and third attempt."""
    arguments = [str(number), str(SIZES[number % len(SIZES)]), str(number % 5), f"0.{number % 7 * 3:02}"]
    return {
        "command": ["sh", "-c", SCRIPT, "sh", *arguments],
        "labels": {"number": str(number)},
        "max_attempts": attempts_max(number),
    } | more


def attempts_max(number):
    return 3 if number % 4 == 3 else 1


def written(number):
    """What it writes to stdout and stderr."""
    line, size = f"{number}\n", SIZES[number % len(SIZES)]
    return {"stdout": (line * (size // len(line) + 1))[:size].encode(), "stderr": f"error {number}\n".encode()}


def kept(data, limit=OUTPUT_LIMIT):
    """Of what was written: head and tail."""
    head = (limit + 1) // 2
    return data if len(data) <= limit else data[:head] + data[len(data) - (limit - head) :]


def check_output(client, number, evaluation):
    """Of one that ran to its end: every byte."""
    for name, data in written(number).items():
        stream = evaluation[name]
        if stream["bytes"] != len(data) or stream["omitted_bytes"] != len(data) - len(kept(data)):
            yield f"number {number} wrote {len(data)} bytes to {name}, and is said to have written {stream}"[:500]
        if (raw := client.raw(evaluation["id"], name)) != kept(data):
            yield f"number {number}: {name} has {len(raw)} bytes, and they are not those {len(kept(data))} that it wrote"


def check_partial(client, number, evaluation):
    """Of one that is lost: a beginning of what it wrote, or nothing."""
    for name, data in written(number).items():
        if not kept(data).startswith(raw := client.raw(evaluation["id"], name)):
            yield f"number {number} is lost, and the {len(raw)} bytes of its {name} are not the first that it wrote"


def check_end(client, number, evaluation):
    verdict, code = evaluation["verdict"], number % 5
    if verdict["kind"] == "lost":
        if verdict["fault"] != "platform" or not verdict["retryable"] or not verdict["reason"]:
            yield f"number {number} is lost, and its verdict says {verdict}"
        yield from check_partial(client, number, evaluation)
        return
    if (verdict["kind"], verdict["exit_code"]) != ("failed" if code else "completed", code):
        yield f"number {number} exits with {code}, and its verdict says {verdict}"
    yield from check_output(client, number, evaluation)


def check_starts(told, starts):
    """With what a witness counted: each attempt began at most once, and what has a verdict of its own did begin. (What is
    cancelled may have been killed before its first word.)"""
    for number, evaluation in told.items():
        count, attempts = starts[evaluation["id"]], evaluation["attempt"]
        if count > attempts or (count == 0 and evaluation["status"] not in ("lost", "cancelled")):
            yield f"number {number} was started {count} times in {attempts} attempts: {evaluation['verdict']}"


class Ledger:
    """What clients know: ids by number of all that was acknowledged, and the answers that told a verdict."""

    def __init__(self):
        self.lock = threading.Lock()
        self.next_number = 0
        self.unanswered = set()  # submitted, and nothing was heard
        self.acknowledged = {}  # number: id
        self.told = {}  # number: the evaluation, as the answer had it
        self.faults = []

    def take_number(self):
        with self.lock:
            self.next_number += 1
            self.unanswered.add(self.next_number)
            return self.next_number

    def acknowledge(self, number, evaluation_id):
        with self.lock:
            if (before := self.acknowledged.setdefault(number, evaluation_id)) != evaluation_id:
                self.faults.append(f"number {number} was acknowledged as {before}, and now as {evaluation_id}")
            self.unanswered.discard(number)

    def tell(self, number, evaluation):
        with self.lock:
            before = self.told.setdefault(number, evaluation)
        for field in before:
            if before[field] != evaluation[field]:
                self.faults.append(f"number {number}: {field} was {str(before[field])[:300]}, and is {str(evaluation[field])[:300]}")

    def mark(self):
        with self.lock:
            self.marked = dict(self.acknowledged), dict(self.told)

    def back_to_mark(self):
        """What was heard since does not count: it is as if it had not been answered."""
        with self.lock:
            acknowledged, told = self.marked
            self.unanswered |= self.acknowledged.keys() - acknowledged.keys()
            self.acknowledged, self.told = acknowledged, told

    def open(self):
        with self.lock:
            return {number: self.acknowledged[number] for number in self.acknowledged.keys() - self.told.keys()}


def submit(client, ledger, number, wait=None):
    """True when it was acknowledged; as often as one likes, it is the same evaluation. Waits for its verdict, if told to."""
    answer = client.submit(submission(number), wait, **{"Idempotency-Key": f"key-{number}"})
    if answer.status not in (200, 202):
        return False
    ledger.acknowledge(number, answer.json["id"])
    return True


def finish(client, ledger, number, seconds=60):
    """Waits for its verdict, and looks at every byte."""
    evaluation = client.finished(ledger.acknowledged[number], seconds)
    ledger.faults.extend(check_end(client, number, evaluation))
    ledger.tell(number, evaluation)


class Load:
    """Clients that submit, wait and read, each on a thread of its own, until the daemon answers no more. An answer that is an
    error is a fault, unless the daemon may be `dying` already."""

    def __init__(self, daemon, ledger, clients, dying=False):
        self.daemon, self.ledger, self.dying = daemon, ledger, dying
        self.stopping = False
        self.threads = [threading.Thread(target=self._work, args=[waits], daemon=True) for waits in range(clients)]
        for thread in self.threads:
            thread.start()

    def _work(self, client_number):
        client = self.daemon.client(timeout=60)
        try:
            while not self.stopping:
                number = self.ledger.take_number()
                # Every third client does not wait, so that some are always open.
                if submit(client, self.ledger, number) and client_number % 3:
                    finish(client, self.ledger, number)
                elif not client_number % 3:
                    time.sleep(0.1)
        except (OSError, http.client.HTTPException):
            pass  # the daemon is gone, as it is meant to be
        except AssertionError as wrong:
            if not self.stopping and not self.dying:
                self.ledger.faults.append(str(wrong))
        finally:
            client.close()

    def end(self):
        """From here on an error is an answer: the daemon is about to lose its disk, or to end."""
        self.stopping = True

    def join(self):
        """Once the daemon is gone, or is going to answer all that it was asked."""
        for thread in self.threads:
            thread.join(90)
            if thread.is_alive():
                self.ledger.faults.append("a client still waits for an answer")


def settle(daemon, ledger):
    """Everything that is acknowledged ends, what was not answered is asked for again and ends, and what was told is told again."""
    client = daemon.client()
    for number in sorted(ledger.unanswered):
        if not submit(client, ledger, number):
            ledger.faults.append(f"number {number} is refused when it is submitted again")
    for number in sorted(ledger.open()):
        try:
            finish(client, ledger, number)
        except AssertionError as wrong:
            ledger.faults.append(f"number {number} was acknowledged: {wrong}")
    for number, evaluation_id in ledger.acknowledged.items():
        if number in ledger.told and ledger.told[number]["id"] != evaluation_id:
            ledger.faults.append(f"number {number} has two ids")


def tell_again(daemon, ledger, numbers):
    """Asks once more for verdicts that were told, and for every byte of their output."""
    client = daemon.client()
    for number in numbers:
        answer = client.request("GET", f"/v1/evaluations/{ledger.acknowledged[number]}")
        if answer.status != 200:
            ledger.faults.append(f"number {number} was told to be {ledger.told[number]['status']}, and is gone: {answer}")
            continue
        ledger.tell(number, answer.json)
        if answer.json["status"] != "lost":
            ledger.faults.extend(check_output(client, number, answer.json))
