#!/usr/bin/python3
"""Each fault of a submission is answered with 400 and the path of its place; and after all of them the daemon is as it was."""

import json

from scenario import main

GOOD = {"command": ["true"]}


def deep(levels):
    value = []
    for _ in range(levels):
        value = [value]
    return value


def files(*entries):
    return GOOD | {"files": list(entries)}


def limits(**given):
    return GOOD | {"limits": given}


# What is submitted, and the path at which the fault is; None: somewhere in the document as a whole.
FAULTS = [
    # kinds
    ([], "$"), ("text", "$"), (None, "$"), (7, "$"),
    ({"command": "true"}, "$.command"), ({"command": [1]}, "$.command[0]"), ({"command": []}, "$.command"),
    ({"command": [""]}, "$.command[0]"), ({"command": [None]}, "$.command[0]"), ({"command": [["true"]]}, "$.command[0]"),
    (GOOD | {"args": "x"}, "$.args"), (GOOD | {"args": [1.5]}, "$.args[0]"), (GOOD | {"stdin": 1}, "$.stdin"),
    (GOOD | {"env": []}, "$.env"), (GOOD | {"env": {"A": 1}}, "$.env.A"), (GOOD | {"env": {"": "x"}}, None),
    (GOOD | {"env": {"A=B": "x"}}, None), (GOOD | {"labels": {"a": 1}}, "$.labels.a"), (GOOD | {"labels": []}, "$.labels"),
    (GOOD | {"limits": []}, "$.limits"), (GOOD | {"priority": "high"}, "$.priority"), (GOOD | {"priority": 1.5}, "$.priority"),
    (GOOD | {"priority": 10**30}, None), (GOOD | {"priority": 101}, "$.priority"), (GOOD | {"files": {}}, "$.files"),
    # unknown fields, at every level
    (GOOD | {"comand": []}, "$.comand"), (limits(wall_time=1), "$.limits.wall_time"),
    (files({"path": "a", "content": "", "mode": 7}), "$.files[0].mode"),
    # what is to be run
    ({}, None), ({"code": "print(1)"}, None), ({"runtime": "python"}, None), ({"runtime": "nonsense", "code": ""}, "$.runtime"),
    ({"runtime": "python", "code": "", "command": ["true"]}, None),
    # limits
    (limits(wall_time_ms=0), "$.limits.wall_time_ms"), (limits(wall_time_ms=-1), "$.limits.wall_time_ms"),
    (limits(wall_time_ms="1"), "$.limits.wall_time_ms"), (limits(wall_time_ms=1.0), "$.limits.wall_time_ms"),
    (limits(wall_time_ms=True), "$.limits.wall_time_ms"), (limits(cpu_time_ms=10**12), "$.limits.cpu_time_ms"),
    (limits(memory_bytes=1), "$.limits.memory_bytes"), (limits(processes=0), "$.limits.processes"),
    (limits(processes=10**6), "$.limits.processes"), (limits(output_bytes=10**12), "$.limits.output_bytes"),
    (limits(disk_bytes=1), "$.limits.disk_bytes"), (limits(file_bytes=-1), "$.limits.file_bytes"),
    # choices
    (GOOD | {"network": "host"}, "$.network"), (GOOD | {"backend": "nowhere"}, "$.backend"),
    (GOOD | {"on_output_limit": "ignore"}, "$.on_output_limit"), (GOOD | {"max_attempts": 0}, "$.max_attempts"),
    (GOOD | {"max_attempts": 1000}, "$.max_attempts"),
    # files
    (files({"path": "../a", "content": ""}), "$.files[0].path"), (files({"path": "/a", "content": ""}), "$.files[0].path"),
    (files({"path": "a/../b", "content": ""}), "$.files[0].path"), (files({"path": "a//b", "content": ""}), "$.files[0].path"),
    (files({"path": "./a", "content": ""}), "$.files[0].path"), (files({"path": "a/", "content": ""}), "$.files[0].path"),
    (files({"path": "", "content": ""}), "$.files[0].path"), (files({"path": ".", "content": ""}), "$.files[0].path"),
    (files({"path": "a/" * 500 + "b", "content": ""}), "$.files[0].path"),
    (files({"content": ""}), "$.files[0]"), (files({"path": "a"}), "$.files[0]"), (files("a"), "$.files[0]"),
    (files({"path": "a", "content": "", "executable": 1}), "$.files[0].executable"),
    (files({"path": "a", "content": "?", "encoding": "base64"}), "$.files[0].content"),
    (files({"path": "a", "content": "", "encoding": "latin1"}), "$.files[0].encoding"),
    (files({"path": "a", "content": ""}, {"path": "a", "content": ""}), "$.files"),
    (files({"path": "a/b", "content": ""}, {"path": "a", "content": ""}), "$.files"),
    (GOOD | {"files": [{"path": str(number), "content": ""} for number in range(1025)]}, "$.files"),
    # NUL, where C would end a text
    ({"command": ["tr\0ue"]}, "$.command[0]"), (GOOD | {"args": ["a\0"]}, "$.args[0]"), (GOOD | {"env": {"A": "\0"}}, "$.env.A"),
    (files({"path": "a\0b", "content": ""}), "$.files[0].path"),
    # too much
    ({"command": ["x" * 140_000]}, "$.command[0]"), ({"command": ["x"] * 5000}, "$.command"),
    ({"command": ["x" * 100_000] * 20}, None), (GOOD | {"labels": {"x" * 100: ""}}, None),
    (GOOD | {"labels": {"x": "y" * 300}}, "$.labels.x"), (GOOD | {"labels": {str(number): "" for number in range(100)}}, "$.labels"),
    (GOOD | {"args": deep(40)}, None),
]

# Bodies that are no JSON of ours at all.
BODIES = [
    b"", b"{", b"nonsense", b'{"command": ["true"],}', b'{"command": ["true"]} x', b"\xff\xfe", b'{"command": ["\xff"]}', b'{"command": ["\\ud800"]}',
    b'{"command": ["true"], "command": ["false"]}', b'{"command": ["true"], "env": {"A": "1", "A": "2"}}', b"[" * 100_000,
    b'{"a":' * 50_000, b"\xef\xbb\xbf{}", b'{"priority": 1e400, "command": ["true"]}', b"\0", b'{"command": ["true"], "priority": NaN}',
]


def faults_of(answer):
    if answer.status != 400:
        yield f"answered {answer}"
    elif answer.headers.get_content_type() != "application/problem+json":
        yield f"the answer is {answer.headers.get_content_type()}"
    elif answer.json.get("status") != 400 or not answer.json.get("title"):
        yield f"the answer is no problem: {answer}"


def each_fault_is_named_by_its_path(scenario):
    with scenario.daemon(slots=1) as daemon:
        client = daemon.client()
        for body, path in FAULTS:
            answer = client.request("POST", "/v1/evaluations", json.dumps(body).encode(), {"Content-Type": "application/json"})
            wrong = list(faults_of(answer))
            paths = [] if wrong else [error["path"] for error in answer.json.get("errors", [])]
            if not wrong and (not paths or (path and path not in paths)):
                wrong = [f"the faults are at {paths}, expected one at {path}"]
            yield from (f"{json.dumps(body)[:200]}: {fault}" for fault in wrong)
        yield from the_daemon_is_as_it_was(client)


def what_is_no_json_is_refused(scenario):
    with scenario.daemon(slots=1) as daemon:
        client = daemon.client()
        for body in BODIES:
            answer = client.request("POST", "/v1/evaluations", body, {"Content-Type": "application/json"})
            yield from (f"{body[:100]!r}: {fault}" for fault in faults_of(answer))
        yield from the_daemon_is_as_it_was(client)


def all_faults_are_named_at_once(scenario):
    with scenario.daemon(slots=1) as daemon:
        body = {"command": [1, "x"], "limits": {"wall_time_ms": 0, "nonsense": 1}, "priority": "x"}
        paths = {error["path"] for error in daemon.client().submit(body).json["errors"]}
        expected = {"$.command[0]", "$.limits.wall_time_ms", "$.limits.nonsense", "$.priority"}
        if paths != expected:
            yield f"the faults are at {sorted(paths)}, expected {sorted(expected)}"


def what_is_not_there_is_not_found(scenario):
    with scenario.daemon(slots=1) as daemon:
        client = daemon.client()
        unknown = "20200101_000000_00000000"
        for method, path, status in [
            ("GET", f"/v1/evaluations/{unknown}", 404), ("GET", f"/v1/evaluations/{unknown}/stdout", 404),
            ("POST", f"/v1/evaluations/{unknown}/cancel", 404), ("GET", "/v1/evaluations/nonsense", 404), ("GET", "/nowhere", 404),
            ("GET", "/v1/evaluations/%2e%2e%2fassay.db", 404), ("GET", "/v1/evaluations/../../etc/passwd", 404),
            ("DELETE", "/v1/evaluations", 405), ("PUT", "/healthz", 405), ("GET", "/v1/evaluations?limit=0", 400),
            ("GET", "/v1/evaluations?limit=x", 400), ("GET", "/v1/evaluations?cursor=nonsense", 400),
            ("GET", "/v1/evaluations?status=nonsense", 400), ("GET", "/v1/evaluations?nonsense=1", 400),
            ("GET", f"/v1/evaluations/{unknown}?wait=x", 400),
        ]:
            answer = client.request(method, path)
            if answer.status != status or answer.headers.get_content_type() != "application/problem+json":
                yield f"{method} {path} is answered {answer}, expected {status}"


def the_daemon_is_as_it_was(client):
    listed = client.request("GET", "/v1/evaluations").json["evaluations"]
    if listed:
        yield f"something was accepted: {listed}"
    if (status := client.submit(GOOD, wait=20).json["status"]) != "completed":
        yield f"a good submission afterwards is {status}"


main(
    each_fault_is_named_by_its_path,
    what_is_no_json_is_refused,
    all_faults_are_named_at_once,
    what_is_not_there_is_not_found,
)
