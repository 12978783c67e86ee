#!/usr/bin/python3
"""Programs that die as soon as they run end as what they are: failed, with their traceback."""

from scenario import DIVIDE, check_divided, finish_all, left_by_daemon, main, python, submit

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


main(one_divides_by_zero, fifty_divide_by_zero_at_once)
