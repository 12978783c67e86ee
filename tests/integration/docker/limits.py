#!/usr/bin/python3
"""Limits hold in containers: a time limit to half a second though every signal is ignored, for several at once without delaying
another; and floods are cut and counted while assayd stays as small as it was."""

import re
import time

from scenario import EVIDENCE, PATIENCE_SECONDS, check_counted, check_once, left_by_daemon, main, wait_until_running

LIMIT_MS = 3000
LATE_MS_MAX = 500
# A busy machine may be late once. In this many tries it must not be late each time.
TRIES = 3
OUTPUT_BYTES = 1 << 20
FLOOD_LIMITS = {"output_bytes": OUTPUT_BYTES, "wall_time_ms": 120_000, "cpu_time_ms": 120_000}
GROWTH_KIB_MAX = 16 * 1024

DEAF = """
import signal, sys, time
for number in range(1, 65):
    try:
        signal.signal(number, signal.SIG_IGN)
    except (OSError, ValueError):
        pass
number = 0
while True:
    print(number, time.monotonic(), flush=True)
    number += 1
    time.sleep(0.05)
"""
SLEEPER = {"runtime": "python", "code": DEAF, "limits": {"wall_time_ms": LIMIT_MS}}


def check_timed_out(evaluation):
    verdict = evaluation["verdict"]
    if verdict["kind"] != "timed_out" or verdict["limit"]["name"] != "wall_time_ms":
        yield f"{verdict}"
    yield from check_once(evaluation)
    yield from check_counted(evaluation)
    lines = evaluation["stdout"]["text"].count("\n")
    if lines < 5:  # of sixty; a busy machine lets them wait
        yield f"only {lines} lines of 3 s were kept"


def seconds_of(evaluation):
    """From the start of the program to its verdict."""
    def parse(text):
        hours, minutes, seconds = re.fullmatch(r".*T(\d+):(\d+):([\d.]+)Z", text).groups()
        return (int(hours) * 60 + int(minutes)) * 60 + float(seconds)

    return (parse(evaluation["finished_at"]) - parse(evaluation["started_at"])) % 86_400


def a_time_limit_of_3_seconds_ends_within_half_a_second_though_it_is_deaf(scenario, evidence):
    with scenario.daemon(slots=1, evidence=evidence) as daemon:
        late = []
        for _ in range(TRIES):
            evaluation = daemon.client().submit(SLEEPER, wait=60).json
            yield from check_timed_out(evaluation)
            late.append(seconds_of(evaluation) * 1000 - LIMIT_MS)
            if late[-1] <= LATE_MS_MAX:
                break
        else:
            yield f"it ended {[f'{each:.0f}' for each in late]} ms after its limit"
        yield from left_by_daemon(daemon)


def five_at_once_do_not_delay_another(scenario, evidence):
    with scenario.daemon(slots=6, evidence=evidence) as daemon:
        client = daemon.client()
        quick = {"runtime": "sh", "code": "echo quick"}
        alone = seconds_for(client, quick)
        ids = [client.submit(SLEEPER).json["id"] for _ in range(5)]
        wait_until_running(client, ids)
        beside = min(seconds_for(client, quick) for _ in range(TRIES))
        if beside > alone * 3 + 0.5:
            yield f"beside five sleepers it took {beside:.2f} s, alone {alone:.2f} s"
        begun = time.monotonic()
        client.request("GET", "/healthz")
        if time.monotonic() - begun > 0.5:
            yield "the health check was blocked"
        for each in ids:
            yield from check_timed_out(client.finished(each))
        yield from left_by_daemon(daemon)


def seconds_for(client, submission):
    begun = time.monotonic()
    evaluation = client.submit(submission, wait=60).json
    if evaluation["status"] != "completed":
        raise AssertionError(evaluation)
    return time.monotonic() - begun


def memory_kib(daemon, key):
    with open(f"/proc/{daemon.pid}/status") as status:
        return int(re.search(rf"^{key}:\s+(\d+)", status.read(), re.MULTILINE)[1])


def flood(daemon, submission):
    """The evaluation, and by how much assayd has grown at most."""
    client = daemon.client()
    client.submit({"runtime": "sh", "code": "yes | head -c 2000000"}, wait=60)  # what it needs once
    before = memory_kib(daemon, "VmHWM")
    evaluation = client.submit(submission, wait=PATIENCE_SECONDS).json
    return evaluation, memory_kib(daemon, "VmHWM") - before, client.raw(evaluation["id"], "stdout")


def fifty_megabytes_are_cut_and_counted(scenario, evidence):
    size = 50_000_000
    code = f"import os\nfor _ in range({size // 50}): os.write(1, b'%048d\\n\\n' % _)\nos.write(1, b'the end')\n"
    with scenario.daemon(slots=1, evidence=evidence) as daemon:
        evaluation, growth, kept = flood(daemon, {"runtime": "python", "code": code, "limits": FLOOD_LIMITS})
        written = size + len("the end")
        stream = evaluation["stdout"]
        if evaluation["status"] != "completed" or not stream["truncated"]:
            yield f"{evaluation['verdict']}, {stream}"
        if (stream["bytes"], stream["omitted_bytes"], len(kept)) != (written, written - OUTPUT_BYTES, OUTPUT_BYTES):
            yield f"of {written} bytes: {stream['bytes']} counted, {stream['omitted_bytes']} omitted, {len(kept)} kept"
        if not kept.startswith(b"%048d\n\n" % 0) or not kept.endswith(b"the end"):
            yield f"head and tail are {kept[:60]!r} and {kept[-60:]!r}"
        yield from grown(growth)
        yield from left_by_daemon(daemon)


def five_seconds_of_endless_output_are_cut_and_counted(scenario, evidence):
    submission = {"command": ["yes"], "limits": {"output_bytes": OUTPUT_BYTES, "wall_time_ms": 5000, "cpu_time_ms": 60_000}}
    with scenario.daemon(slots=1, evidence=evidence) as daemon:
        evaluation, growth, kept = flood(daemon, submission)
        stream = evaluation["stdout"]
        if evaluation["status"] != "timed_out" or not stream["truncated"]:
            yield f"{evaluation['verdict']}, {stream}"
        if stream["bytes"] - stream["omitted_bytes"] != len(kept) or len(kept) != OUTPUT_BYTES or kept.strip(b"y\n"):
            yield f"{stream['bytes']} counted, {stream['omitted_bytes']} omitted, {len(kept)} kept"
        yield from grown(growth)
        yield from left_by_daemon(daemon)


def grown(kib):
    if kib > GROWTH_KIB_MAX:
        yield f"assayd has grown by {kib} KiB"


main(
    *((rule, evidence) for evidence in EVIDENCE for rule in (
        a_time_limit_of_3_seconds_ends_within_half_a_second_though_it_is_deaf, five_at_once_do_not_delay_another,
        fifty_megabytes_are_cut_and_counted, five_seconds_of_endless_output_are_cut_and_counted,
    )),
)
