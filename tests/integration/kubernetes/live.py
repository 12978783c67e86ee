#!/usr/bin/python3
"""What a program writes is seen while it runs, as on one machine: its log is followed for whoever reads along."""

import subprocess

from scenario import events, finish_all, left_by_daemon, main, python, submit, verdict_of, wait_until_running

LINES = 8
COUNT = f"import time\nfor i in range({LINES}): print(i, flush=True); time.sleep(1)\n"
COUNTED = "".join(f"{i}\n" for i in range(LINES)).encode()


def what_it_writes_is_told_while_it_runs(scenario):
    with scenario.daemon() as daemon:
        client = daemon.client()
        ids = submit(daemon, python(COUNT))
        open_when_told, told = [], []
        for event in events.follow(daemon.address, ids[0]):
            told.append(event)
            if event.name == "output":
                open_when_told.append(client.get(ids[0])["verdict"] is None)
        if events.output(told) != COUNTED:
            yield f"told {events.output(told)}"
        if open_when_told.count(True) < LINES // 2:
            yield f"most was told after the end: {open_when_told}"
        yield from left_by_daemon(daemon)


def the_command_line_follows_it(scenario):
    with scenario.daemon() as daemon:
        ids = submit(daemon, python(COUNT))
        command = [scenario.options.cli, "logs", "-f", "--server", daemon.address, ids[0]]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as logs:
            first = logs.stdout.readline()
            if daemon.client().get(ids[0])["verdict"] is not None:
                yield "its first line was told after its end"
            if first + logs.stdout.read() != COUNTED:
                yield "what was told is not what it wrote"
        yield from left_by_daemon(daemon)


def each_byte_is_told_once_although_control_plane_and_daemon_are_killed_meanwhile(scenario):
    with scenario.daemon() as daemon:
        ids = submit(daemon, python(COUNT.replace("range(8)", "range(20)")))
        wait_until_running(daemon.client(), ids)
        followed = iter(events.follow(daemon.address, ids[0]))
        told = [next(event for event in followed if event.name == "output")]
        scenario.cluster.apiserver.kill()
        scenario.cluster.apiserver.start()
        told.append(next(event for event in followed if event.name == "output"))
        daemon.kill()
        daemon.start()
        evaluation = finish_all(daemon, ids)[0]
        if verdict_of(evaluation)[:2] != ("completed", 0):
            yield f"{evaluation}"
        told += events.follow(daemon.address, ids[0], told[-1].id)
        if events.output(told) != evaluation["stdout"]["text"].encode() or evaluation["stdout"]["bytes"] != len("0123456789") * 2 + 30:
            yield f"told {events.output(told)}: {evaluation}"
        yield from left_by_daemon(daemon)


main(
    what_it_writes_is_told_while_it_runs, the_command_line_follows_it,
    each_byte_is_told_once_although_control_plane_and_daemon_are_killed_meanwhile,
)
