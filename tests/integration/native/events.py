#!/usr/bin/python3
"""Whoever follows an evaluation is told everything once and in order: early or late, resumed anywhere, across a crash."""

import http.client
import re

from scenario import main, parallel
from harness.events import follow, output, statuses, Stream

# Both streams in turns, with bytes that are no text and characters that pieces cut.
TURNS = """
import os, time
for i in range(200):
    os.write(1, b"out %d \\xe2\\x82\\xac\\n" % i)
    os.write(2, bytes([i]) + b"\\xff err\\n")
    if i % 20 == 0:
        time.sleep(0.05)
"""
TURNS_OUTPUT = b"".join(b"out %d \xe2\x82\xac\n" % i + bytes([i]) + b"\xff err\n" for i in range(200))
SLOW_COUNT = """
import time
for i in range(%d):
    print("line", i, flush=True)
    time.sleep(%f)
"""


def counted(lines):
    return b"".join(b"line %d\n" % i for i in range(lines))


def resident_kib(daemon):
    with open(f"/proc/{daemon.pid}/status") as status:
        return int(re.search(r"VmRSS:\s+(\d+)", status.read())[1])


def differs(events, expected, what):
    if (told := output(events)) != expected:
        yield f"{what}: {len(told)} bytes where {len(expected)} were written, or another order"
    if not events or events[-1].name != "end":
        yield f"{what}: the last event is {events[-1:]}"


def early_and_late_followers_are_told_the_same_in_order(scenario):
    with scenario.daemon(slots=1) as daemon:
        client = daemon.client()
        evaluation_id = client.submit({"runtime": "python", "code": TURNS}).json["id"]
        early = list(follow(daemon.address, evaluation_id))
        late = list(follow(daemon.address, evaluation_id))
        yield from differs(early, TURNS_OUTPUT, "early")
        yield from differs(late, TURNS_OUTPUT, "late")
        for events in early, late:
            if (told := statuses(events)) != ["queued", "starting", "running", "sealing", "completed"]:
                yield f"the states are {told}"
        if client.raw(evaluation_id, "output") != TURNS_OUTPUT:
            yield "the raw output is in another order"
        if early[-1].data["verdict"]["kind"] != "completed" or early[-1].data["stdout"]["bytes"] != len(output(early, "stdout")):
            yield f"the end is {early[-1]}"
        if (told := follow(daemon.address, evaluation_id, early[-1].id).status) != 204:
            yield f"who was told to the end is answered {told}"


def resuming_at_any_event_gives_what_is_left_and_no_more(scenario):
    with scenario.daemon(slots=1) as daemon:
        client = daemon.client()
        evaluation_id = client.submit({"runtime": "python", "code": TURNS}, wait=60).json["id"]
        whole = list(follow(daemon.address, evaluation_id))
        for number, event in enumerate(whole[:-1]):
            rest = list(follow(daemon.address, evaluation_id, event.id))
            if [(e.name, e.id, e.data) for e in rest] != [(e.name, e.id, e.data) for e in whole[number + 1 :]]:
                yield f"after {event}: {rest[:2]}… instead of {whole[number + 1:number + 3]}…"
                return


def output_comes_while_the_program_runs(scenario):
    with scenario.daemon(slots=1) as daemon:
        evaluation_id = daemon.client().submit({"runtime": "sh", "code": "echo early; sleep 3; echo late"}).json["id"]
        for event in follow(daemon.address, evaluation_id):
            if event.name == "output":
                state = daemon.client().get(evaluation_id)["status"]
                if event.bytes == b"early\n" and state != "running":
                    yield f"it is {state} when the first output comes"
                return
        yield "no output came"


def a_stream_over_its_limit_is_head_gap_and_tail(scenario):
    with scenario.daemon(slots=1) as daemon:
        code = "import sys\nfor i in range(100): sys.stdout.write('%07d\\n' % i); sys.stdout.flush()"
        evaluation_id = daemon.client().submit({"runtime": "python", "code": code, "limits": {"output_bytes": 160}}).json["id"]
        for what, events in ("early", list(follow(daemon.address, evaluation_id))), ("late", list(follow(daemon.address, evaluation_id))):
            head_and_tail = b"".join(b"%07d\n" % i for i in [*range(10), *range(90, 100)])
            yield from differs(events, head_and_tail, what)
            omitted = [event.data for event in events if event.name == "omitted"]
            if omitted != [{"stream": "stdout", "offset": 80, "omitted_bytes": 640}]:
                yield f"{what}: omitted is {omitted}"


def a_crash_in_the_middle_leaves_no_gap_and_tells_nothing_twice(scenario):
    lines = 120
    with scenario.daemon(slots=1) as daemon:
        evaluation_id = daemon.client().submit({"runtime": "python", "code": SLOW_COUNT % (lines, 0.02)}).json["id"]
        events, last_id, crashes = [], None, 0
        while not events or events[-1].name != "end":
            stream = follow(daemon.address, evaluation_id, last_id)
            try:
                for event in stream:
                    events.append(event)
                    last_id = event.id
                    if crashes < 3 and output(events).count(b"\n") > 30 * (crashes + 1):
                        crashes += 1
                        daemon.kill()
                        daemon.start()
                        break
            except (OSError, http.client.HTTPException):
                pass
            stream.close()
        yield from differs(events, counted(lines), f"across {crashes} crashes")
        told = statuses(events)
        if len(told) != len(set(told)) or told[-1] != "completed":
            yield f"the states are {told}"


def a_follower_that_reads_nothing_is_no_burden_to_others(scenario):
    """It holds the connection's buffers full while another one is told everything, and can go on where it stopped."""
    code = "for i in range(200000): print('line', i)"
    with scenario.daemon(slots=1) as daemon:
        limits = {"output_bytes": 8_000_000}
        evaluation_id = daemon.client().submit({"runtime": "python", "code": code, "limits": limits}).json["id"]
        lazy = [follow(daemon.address, evaluation_id) for _ in range(20)]
        yield from differs(list(follow(daemon.address, evaluation_id)), counted(200000), "beside lazy ones")
        if (kib := resident_kib(daemon)) > 100_000:
            yield f"{kib} KiB resident with {len(lazy)} followers that read nothing"
        events = []
        for event in lazy[0]:
            events.append(event)
            if len(events) == 20:
                break
        lazy[0].close()
        events += follow(daemon.address, evaluation_id, events[-1].id)
        yield from differs(events, counted(200000), "a lazy one that came again")
        for stream in lazy[1:]:
            stream.close()


def many_followers_of_one_program_are_all_told_all(scenario):
    """A short form of the thousand of tests/torture; the figure is printed."""
    followers, lines = 100, 1000
    with scenario.daemon(slots=1) as daemon:
        evaluation_id = daemon.client().submit({"runtime": "python", "code": SLOW_COUNT % (lines, 0.001)}).json["id"]
        all_told = parallel(followers, lambda _: list(follow(daemon.address, evaluation_id)), range(followers))
        for number, events in enumerate(all_told):
            yield from differs(events, counted(lines), f"follower {number}")
        kib = resident_kib(daemon)
        print(f"# {followers} followers of {lines} lines: {kib} KiB resident")
        if kib > 64 * 1024:
            yield f"{kib} KiB resident"


def all_changes_are_told_and_who_comes_again_goes_on(scenario):
    with scenario.daemon(slots=2) as daemon:
        client = daemon.client()
        stream = Stream(daemon.address, "/v1/events")
        events = iter(stream)
        if (first := next(events)).name != "reset":
            yield f"the first event is {first}"
        ids = [client.submit({"runtime": "sh", "code": "true"}, wait=60).json["id"] for _ in range(3)]
        told = []
        while sum(event.data["finished"] for event in told) < 3:
            told.append(next(events))
        for evaluation_id in ids:
            of_one = [event.data["status"] for event in told if event.data["id"] == evaluation_id]
            if of_one[0] != "queued" or of_one[-1] != "completed":
                yield f"{evaluation_id} is told of as {of_one}"
        stream.close()
        client.submit({"runtime": "sh", "code": "false"}, wait=60)
        again = iter(Stream(daemon.address, "/v1/events", told[3].id))
        rest = [next(again) for _ in told[4:]]
        if [event.id for event in rest] != [event.id for event in told[4:]]:
            yield f"who comes again is told {rest} instead of {told[4:]}"
        daemon.kill()
        daemon.start()
        if (first := next(iter(Stream(daemon.address, "/v1/events", told[3].id)))).name != "reset":
            yield f"after a crash the first event is {first}"


def what_is_wrong_is_said(scenario):
    with scenario.daemon(slots=1) as daemon:
        client = daemon.client()
        evaluation_id = client.submit({"runtime": "sh", "code": "true"}, wait=60).json["id"]
        for path, headers, status in (
            ("/v1/evaluations/20261122_195800_0123abcd/events", {}, 404),
            (f"/v1/evaluations/{evaluation_id}/events", {"Last-Event-ID": "7"}, 400),
            (f"/v1/evaluations/{evaluation_id}/events?output=some", {}, 400),
        ):
            if (answer := client.request("GET", path, headers=headers)).status != status:
                yield f"{path} {headers}: {answer}"
        states = list(follow(daemon.address, evaluation_id, query="?output=none"))
        if statuses(states)[-1] != "completed" or output(states):
            yield f"without output: {states}"
        head = client.request("HEAD", f"/v1/evaluations/{evaluation_id}/events")
        if head.status != 200 or not head.headers["Content-Type"].startswith("text/event-stream"):
            yield f"HEAD: {head}"


def a_daemon_that_stops_ends_its_streams(scenario):
    with scenario.daemon(slots=1) as daemon:
        evaluation_id = daemon.client().submit({"runtime": "sh", "code": "echo begun; sleep 2; echo done"}).json["id"]
        events = []
        for event in follow(daemon.address, evaluation_id):
            events.append(event)
            if event.name == "output" and daemon.process.poll() is None:
                daemon.process.terminate()
        daemon.process.wait(30)
        if events[-1].name == "end":
            yield "the daemon waited for the program"
        daemon.start()
        events += follow(daemon.address, evaluation_id, events[-1].id)
        yield from differs(events, b"begun\ndone\n", "across a stop")


if __name__ == "__main__":
    main(
        early_and_late_followers_are_told_the_same_in_order,
        resuming_at_any_event_gives_what_is_left_and_no_more,
        output_comes_while_the_program_runs,
        a_stream_over_its_limit_is_head_gap_and_tail,
        a_crash_in_the_middle_leaves_no_gap_and_tells_nothing_twice,
        a_follower_that_reads_nothing_is_no_burden_to_others,
        many_followers_of_one_program_are_all_told_all,
        all_changes_are_told_and_who_comes_again_goes_on,
        what_is_wrong_is_said,
        a_daemon_that_stops_ends_its_streams,
    )
