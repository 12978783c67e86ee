#!/usr/bin/python3
"""Programs that die as soon as they run end as what they are: failed, with their traceback."""

from scenario import DIVIDE, check_divided, finish_all, left_by_daemon, main, python, submit


def one_divides_by_zero(scenario):
    with scenario.daemon() as daemon:
        yield from check_divided(finish_all(daemon, submit(daemon, python(DIVIDE))))
        yield from left_by_daemon(daemon)


main(one_divides_by_zero)
