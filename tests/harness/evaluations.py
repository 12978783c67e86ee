"""What tests submit most often, and how they look at what came of it."""

from concurrent.futures import ThreadPoolExecutor

# The program that everything began with: it dies as soon as it runs.
DIVIDE = "print(1/0)"
TRACEBACK = (
    'Traceback (most recent call last):\n  File "/box/work/main.py", line 1, in <module>\n    print(1/0)\n          ~^~\n'
    "ZeroDivisionError: division by zero\n"
)


def verdicts(evaluations):
    """How many of each kind, for messages and comparisons."""
    counts = {}
    for evaluation in evaluations:
        kind = evaluation["verdict"]["kind"] if evaluation["verdict"] else evaluation["status"]
        counts[kind] = counts.get(kind, 0) + 1
    return counts


def parallel(count, work, items):
    """`work(item)` for each item on `count` threads; the results in order. The first exception is raised here."""
    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(work, items))


def check_once(evaluation):
    """What holds of every verdict: one, at the end of the timeline, and the attempt was the first."""
    states = [entry["status"] for entry in evaluation["timeline"]]
    if states[-1] != evaluation["verdict"]["kind"] or len(set(states)) != len(states):
        yield f"{evaluation['id']}: the timeline is {states}, the verdict {evaluation['verdict']['kind']}"
    if evaluation["attempt"] != 1:
        yield f"{evaluation['id']}: it took {evaluation['attempt']} attempts"


# Prints a line each few milliseconds: its number, and when (on the clock that all processes share). Then fails with code 7.
COUNTER = """
import sys, time
for number in range(int(sys.argv[1])):
    print(number, time.monotonic(), flush=True)
    time.sleep(float(sys.argv[2]))
sys.exit(7)
"""


def counter(lines, seconds, *more_arguments, **more):
    """A submission that prints so many lines, so long after another. Further arguments are ignored by it: see Sightings."""
    return {"runtime": "python", "code": COUNTER, "args": [str(lines), str(seconds), *map(str, more_arguments)]} | more


def output_of(evaluation):
    """Its standard output as text: what has never been started has none."""
    return evaluation["stdout"]["text"] if "stdout" in evaluation else ""


def check_counted(evaluation, lines=None, until=None):
    """Lines without a gap from the first on: exactly `lines`, or at least those printed before `until` (monotonic, seconds)."""
    counted = [line.split(" ") for line in output_of(evaluation).splitlines()]
    numbers = [int(number) for number, *_ in counted]
    if numbers != list(range(len(numbers))):
        yield f"{evaluation['id']}: the lines are {numbers}"
    if lines is not None and len(numbers) != lines:
        yield f"{evaluation['id']}: {len(numbers)} lines of {lines} were kept: {evaluation['verdict']}"
    if until is not None and (not counted or float(counted[-1][1]) < until):
        last = float(counted[-1][1]) if counted else 0
        yield f"{evaluation['id']}: the last line of {len(numbers)} came {until - last:.2f} s too early: {evaluation['verdict']}"
