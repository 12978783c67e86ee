#!/usr/bin/python3
"""Programs that die as soon as they run end as what they are: failed, with their traceback."""

from scenario import DIVIDE, check_divided, finish_all, kubernetes, left_by_daemon, main, python, submit

FIFTY_SECONDS = 600


def one_divides_by_zero(scenario):
    with scenario.daemon() as daemon:
        yield from check_divided(finish_all(daemon, submit(daemon, python(DIVIDE))))
        yield from left_by_daemon(daemon)


def fifty_divide_by_zero_at_once(scenario):
    """More than the node has room for, and far more than it can start at a time."""
    with scenario.daemon(slots=50) as daemon:
        yield from check_divided(finish_all(daemon, submit(daemon, *[python(DIVIDE)] * 50), FIFTY_SECONDS))
        yield from left_by_daemon(daemon)


def what_printed_little_is_had_whole_without_its_log(scenario):
    """It stands in the pod's status; the log nobody may read."""
    without_logs = [rule for rule in kubernetes.RULES if "pods/log" not in rule["resources"]]
    printed = "x" * 1500
    with scenario.daemon() as daemon:
        scenario.cluster.allow(without_logs)
        divided, long = submit(daemon, python(DIVIDE), python(f"import sys; print('{printed}'); sys.exit('none')"))
        yield from check_divided(finish_all(daemon, [divided]))
        evaluation = finish_all(daemon, [long])[0]
        if (evaluation["stdout"]["text"], evaluation["stderr"]["text"]) != (printed + "\n", "none\n"):
            yield f"{evaluation}"
        scenario.cluster.allow(kubernetes.RULES)
        yield from left_by_daemon(daemon)


main(one_divides_by_zero, fifty_divide_by_zero_at_once, what_printed_little_is_had_whole_without_its_log)
