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
