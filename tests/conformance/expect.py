"""Compares what came of an evaluation with what its case expects, exactly. All functions return lines that say what is wrong."""

import re

from case import fill, repeated

FAULTS = {
    "completed": "none", "failed": "program", "timed_out": "program", "out_of_memory": "program",
    "output_exceeded": "program", "cancelled": "client", "not_started": "request", "lost": "platform",
}
STATES = ["queued", "starting", "preparing", "running", "sealing"]

# Absent from [expect] means: must be null; but what is completed has exit code 0, and what was killed by us or for memory died
# of SIGKILL, without saying so.
VERDICT_KEYS = ("exit_code", "signal")
KILLED = {"exit_code": None, "signal": "SIGKILL"}
IMPLIED = {
    "completed": {"exit_code": 0}, "timed_out": KILLED, "out_of_memory": KILLED, "output_exceeded": KILLED, "cancelled": KILLED,
}
# Bounds of [expect], as [least, most], and the usage that they bound.
USAGE_KEYS = ("wall_time_ms", "cpu_time_ms", "memory_peak_bytes", "processes_peak")
KEYS = {"verdict", "limit", "reason", "stdout", "stderr", "output", *VERDICT_KEYS, *USAGE_KEYS}

# The directory that a program starts in: ${work} in what is expected.
WORK = "/box/work"

# A longer stream is not text in the JSON, but has only a URL of its own.
TEXT_BYTES_MAX = 1 << 20

# By how much a time limit may be overrun before the verdict says so: the keeper looks every few milliseconds, and a busy
# machine lets it wait.
TIME_SLACK_MS = 1000


class Outcome:
    """One finished evaluation and its kept bytes as they were fetched raw."""

    def __init__(self, evaluation, raw):
        self.evaluation = evaluation
        self.raw = raw  # {"stdout": bytes, "stderr": bytes, "output": bytes}


def compare(outcome, expect, limits, time_factor):
    """`either` is a list of expectations of which one must be met, where two ends race and both are true."""
    if "either" in expect:
        common = {key: value for key, value in expect.items() if key != "either"}
        tried = [list(compare(outcome, common | one, limits, time_factor)) for one in expect["either"]]
        return min(tried, key=len)
    if unknown := expect.keys() - KEYS:
        return [f"the case has unknown keys in expect: {', '.join(sorted(unknown))}"]
    return [
        *_verdict(outcome.evaluation, expect),
        *_limit(outcome.evaluation, expect, limits, time_factor),
        *_usage(outcome.evaluation, expect, time_factor),
        *_streams(outcome, expect, limits),
        *consistent(outcome, limits),
    ]


def consistent(outcome, limits):
    """What holds for every finished evaluation, whatever came of it."""
    evaluation, verdict = outcome.evaluation, outcome.evaluation["verdict"]
    if evaluation["status"] != verdict["kind"]:
        yield f"the status is {evaluation['status']}, the verdict {verdict['kind']}"
    if verdict["fault"] != FAULTS[verdict["kind"]]:
        yield f"{verdict['kind']} is said to be the fault of {verdict['fault']}"
    if verdict["retryable"] != (verdict["kind"] == "lost"):
        yield f"{verdict['kind']} is said to be {'' if verdict['retryable'] else 'not '}retryable"
    if not verdict["reason"]:
        yield "there is no reason"
    if evaluation["attempt"] != 1:
        yield f"it took {evaluation['attempt']} attempts"
    states = [entry["status"] for entry in evaluation["timeline"]]
    if states != [*(state for state in STATES if state in states), verdict["kind"]] or "queued" not in states:
        yield f"the timeline is {states}"
    for stream in ("stdout", "stderr"):
        yield from _consistent_stream(stream, evaluation[stream], outcome.raw[stream], limits)
    if len(outcome.raw["output"]) != len(outcome.raw["stdout"]) + len(outcome.raw["stderr"]):
        yield "the merged output is not as long as both streams together"


def _consistent_stream(name, stream, raw, limits):
    if stream["bytes"] - stream["omitted_bytes"] != len(raw):
        yield f"{name}: {stream['bytes']} bytes less {stream['omitted_bytes']} omitted are not the {len(raw)} that are kept"
    if stream["omitted_bytes"] != max(0, stream["bytes"] - limits["output_bytes"]):
        yield f"{name}: of {stream['bytes']} bytes {stream['omitted_bytes']} were omitted, the limit is {limits['output_bytes']}"
    if stream["truncated"] != (stream["omitted_bytes"] > 0):
        yield f"{name}: truncated is {stream['truncated']}"
    if len(raw) > TEXT_BYTES_MAX:
        if stream["text"] is not None:
            yield f"{name}: {len(raw)} bytes stand in the JSON"
        return
    # Head and tail are two texts: a character that the gap cut in two is not made from the halves of two others.
    head = stream["head_bytes"] if stream["truncated"] else len(raw)
    text = raw[:head].decode(errors="replace") + raw[head:].decode(errors="replace")
    if stream["text"] != text:
        yield f"{name}: the text {stream['text'][:300]!r} is not that of the bytes"
    if stream["lossy"] != (text.encode() != raw):
        yield f"{name}: lossy is {stream['lossy']}"


def _verdict(evaluation, expect):
    verdict = evaluation["verdict"]
    if verdict["kind"] != expect["verdict"]:
        yield f"the verdict is {verdict['kind']} ({verdict['reason']}), not {expect['verdict']}"
    implied = IMPLIED.get(expect["verdict"], {})
    for key in VERDICT_KEYS:
        if verdict[key] != (expected := (implied | expect).get(key)):
            yield f"{key} is {verdict[key]}, not {expected}"
    if "reason" in expect and expect["reason"] not in verdict["reason"]:
        yield f"the reason is {verdict['reason']!r}, and does not say {expect['reason']!r}"


def _limit(evaluation, expect, limits, time_factor):
    """Which limit was hit, its value, and that what was measured really is beyond it, and not by far where it is a time."""
    limit = evaluation["verdict"]["limit"]
    hit = limit["name"] if limit else None
    if hit != expect.get("limit"):
        yield f"the limit that was hit is {hit}, not {expect.get('limit')}"
        return
    if hit is None:
        return
    if hit in limits and limit["value"] != limits[hit]:
        yield f"{hit} is said to be {limit['value']}, it was {limits[hit]}"
    if hit.endswith("time_ms"):
        measured, most = limit["measured"], limit["value"] + TIME_SLACK_MS * time_factor
        if not limit["value"] <= measured <= most:
            yield f"{hit}: {measured} was measured, that is not between {limit['value']} and {most}"


def _usage(evaluation, expect, time_factor):
    for key in USAGE_KEYS:
        if key not in expect:
            continue
        least, most = expect[key]
        used = evaluation["usage"][key]
        if not least <= used <= most * (time_factor if key.endswith("_ms") else 1):
            yield f"{key} is {used}, not between {least} and {most}"


def _streams(outcome, expect, limits):
    variables = {"id": outcome.evaluation["id"], "work": WORK}
    for name in ("stdout", "stderr"):
        expected = fill(expect.get(name, ""), variables)
        for fault in _stream(expected, outcome.evaluation[name]["bytes"], outcome.raw[name], limits["output_bytes"]):
            yield f"{name}: {fault}"
    if "output" in expect and outcome.raw["output"] != expect["output"].encode():
        yield f"output: it is {_shown(outcome.raw['output'])}, not {_shown(expect['output'].encode())}"


def _stream(expected, size, raw, limit):
    """`expected` is a text, or a table with one of: hex, repeat (bytes: how many), contains, matches; and bytes_least."""
    if isinstance(expected, str):
        expected = {"repeat": expected, "bytes": len(expected.encode())} if expected else {"hex": ""}
    if size < expected.get("bytes_least", 0):
        yield f"{size} bytes were written, expected at least {expected['bytes_least']}"
    if "hex" in expected:
        yield from _exact(bytes.fromhex(expected["hex"]), size, raw, limit)
    elif "repeat" in expected:
        yield from _exact(repeated({"bytes": size} | expected), size, raw, limit)
    elif "contains" in expected:
        yield from (f"{_shown(raw)} does not contain {part!r}" for part in expected["contains"] if part.encode() not in raw)
    elif not re.fullmatch(expected["matches"].encode(), raw, re.DOTALL):
        yield f"{_shown(raw)} does not match {expected['matches']!r}"


def _exact(written, size, raw, limit):
    """The program wrote `written`; of that, the head and the tail that the limit allows must have been kept."""
    if size != len(written):
        yield f"{size} bytes were written, expected {len(written)}"
    head = (limit + 1) // 2
    kept = written if len(written) <= limit else written[:head] + written[len(written) - (limit - head) :]
    if raw != kept:
        yield f"it is {_shown(raw)}, not {_shown(kept)}"


def _shown(data):
    return repr(data) if len(data) <= 600 else f"{data[:300]!r}…{data[-300:]!r} ({len(data)} bytes)"
