"""Batches: lines in, results out; per-line errors, memory, and what kill -9 of client and daemon leaves."""

import collections
import json
import os
import socket
import threading
import time

from scenario import main
from harness.length import long

LINES = long(100_000, 1500)
SECONDS = long(3600, 170)
GROWTH_BYTES_MAX = 48 * 1024 * 1024  # queue and caches; a batch held in memory is far above
os.environ.setdefault("ASAN_OPTIONS", "quarantine_size_mb=4")  # what a sanitizer keeps of what was released is no growth


def program(number):
    """Trivial, and its output tells which line it was."""
    return {"command": ["echo", str(number)], "labels": {"n": str(number)}}


def body_of(count, first=1):
    return b"".join(json.dumps(program(number)).encode() + b"\n" for number in range(first, first + count))


def post(client, body, key=None, **headers):
    headers = {"Content-Type": "application/jsonl"} | ({"Idempotency-Key": key} if key else {}) | headers
    return client.request("POST", "/v1/batches", body, headers)


def results(client, batch, query=""):
    answer = client.request("GET", f"/v1/batches/{batch}/results{query}")
    assert answer.status == 200, answer
    return [json.loads(line) for line in answer.body.splitlines()]


def found(client, key, seconds=30):
    """The batch that is being sent with this key."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        answer = client.request("GET", f"/v1/batches?idempotency_key={key}")
        if answer.status == 200:
            return answer.json
        time.sleep(0.02)
    raise AssertionError(f"no batch with key {key}: {answer}")


def eventually(client, batch, what, seconds=SECONDS):
    deadline = time.monotonic() + seconds
    while not what(state := client.request("GET", f"/v1/batches/{batch}").json):
        if time.monotonic() > deadline:
            raise AssertionError(f"still {state}")
        time.sleep(0.05)
    return state


def faults_of_results(lines, count):
    """Nothing lost, nothing doubled, and each its own."""
    seen = collections.Counter(line["batch"]["line"] for line in lines)
    yield from (f"line {number}: {times} results" for number, times in seen.items() if times != 1)
    yield from (f"line {number}: no result" for number in range(1, count + 1) if number not in seen)
    for line in lines:
        if line["status"] != "completed" or line["stdout"]["text"] != f"{line['batch']['line']}\n":
            yield f"line {line['batch']['line']}: {line['status']} {line['stdout']['text']!r}"


def every_line_has_its_result_in_either_order(scenario):
    with scenario.daemon() as daemon:
        client = daemon.client()
        answer = post(client, body_of(200))
        if answer.status != 202:
            return [f"{answer}"]
        batch = answer.json
        faults = []
        if (batch["lines"], batch["accepted"], batch["rejected"]) != (200, 200, 0):
            faults.append(f"the answer is {batch}")
        ended = results(client, batch["id"])
        faults += faults_of_results(ended, 200)
        if [line["batch"]["place"] for line in ended] != list(range(1, 201)):
            faults.append("the places are not 1 to 200 in order")
        submitted = results(client, batch["id"], "?order=submission")
        if [line["batch"]["line"] for line in submitted] != list(range(1, 201)):
            faults.append("order=submission is not the order of lines")
        if [line["batch"]["place"] for line in results(client, batch["id"], "?after=150")] != list(range(151, 201)):
            faults.append("after=150 does not go on at 151")
        state = client.request("GET", f"/v1/batches/{batch['id']}").json
        if state["status"] != "finished" or state["verdicts"]["completed"] != 200:
            faults.append(f"it says {state}")
        return faults


def faulty_lines_are_named_and_the_others_run(scenario):
    lines = [json.dumps(program(1)), "", "{nonsense", json.dumps({"command": []}), "  \t", json.dumps(program(6)) + "\r",
             json.dumps({"command": ["true"], "limits": {"wall_time_ms": -1}}), json.dumps(program(8))]
    with scenario.daemon() as daemon:
        client = daemon.client()
        batch = post(client, "\n".join(lines).encode()).json
        faults = []
        if (batch["lines"], batch["accepted"], batch["rejected"]) != (8, 3, 3):
            faults.append(f"the answer is {batch}")
        named = {entry["line"]: entry["errors"][0]["path"] for entry in batch["errors"]}
        if named != {3: "$", 4: "$.command", 7: "$.limits.wall_time_ms"}:
            faults.append(f"the errors are {batch['errors']}")
        listed = client.request("GET", f"/v1/batches/{batch['id']}/errors?after=3").body.splitlines()
        if [json.loads(line)["line"] for line in listed] != [4, 7]:
            faults.append(f"errors after 3 are {listed}")
        if sorted(line["batch"]["line"] for line in results(client, batch["id"])) != [1, 6, 8]:
            faults.append("not the results of lines 1, 6 and 8")
        metrics = client.request("GET", "/metrics").body.decode()
        for sample in ('lines_total{result="accepted"} 3', 'lines_total{result="refused"} 3', 'lines_total{result="known"} 0', "uploads 0", "results 0"):
            if f"\nassay_batch_{sample}\n" not in metrics:
                faults.append(f"not among the metrics: assay_batch_{sample}")
        return faults


def a_line_larger_than_a_submission_is_refused_and_the_next_one_runs(scenario):
    with scenario.daemon() as daemon:
        client = daemon.client()
        batch = post(client, b"x" * (33 * 1024 * 1024) + b"\n" + body_of(1, 2)).json
        faults = [f"the answer is {batch}"] if (batch["accepted"], batch["rejected"]) != (1, 1) else []
        return faults + [f"{line}" for line in results(client, batch["id"]) if line["batch"]["line"] != 2]


def the_same_batch_again_runs_nothing_twice(scenario):
    with scenario.daemon() as daemon:
        client = daemon.client()
        first = post(client, body_of(60), "again").json
        second = post(client, body_of(60), "again").json
        faults = [f"{second}"] if second["id"] != first["id"] or second["accepted"] != 60 else []
        longer = post(client, body_of(80), "again").json
        faults += [f"{longer}"] if (longer["id"], longer["accepted"]) != (first["id"], 80) else []
        faults += faults_of_results(results(client, first["id"]), 80)
        other = post(client, body_of(60).replace(b'"60"', b'"61"'), "again")
        if other.status != 409 or "line 60 " not in other.json["detail"]:
            faults.append(f"another line 60: {other}")
        return faults


def a_cancelled_batch_takes_no_more_and_ends(scenario):
    sleeper = json.dumps({"command": ["sleep", "60"]}).encode() + b"\n"
    with scenario.daemon(queue=10) as daemon:
        client = daemon.client()
        said = []
        sender = threading.Thread(target=lambda: said.append(post(daemon.client(), sleeper * 100, "sleepers")))
        sender.start()
        batch = found(client, "sleepers")
        eventually(client, batch["id"], lambda state: state["accepted"] >= 3)
        answer = client.request("POST", f"/v1/batches/{batch['id']}/cancel")
        faults = [] if answer.status == 202 and answer.json["cancelled_at"] else [f"cancel: {answer}"]
        sender.join(30)
        if not said or said[0].status != 409:
            faults.append(f"the upload was told {said and str(said[0])}")
        ended = results(client, batch["id"])
        state = client.request("GET", f"/v1/batches/{batch['id']}").json
        if state["status"] != "finished" or len({state["verdicts"]["cancelled"], state["accepted"], len(ended)}) > 1:
            faults.append(f"it says {state}, and {len(ended)} results")
        again = post(client, sleeper, "sleepers")
        return faults + ([] if again.status == 409 else [f"more of a cancelled batch: {again}"])


def memory_of(daemon):
    with open(f"/proc/{daemon.pid}/status") as status:
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmRSS"))


def a_batch_larger_than_the_queue_waits_with_its_client(scenario):
    padding = "x" * min(20_000, 500_000_000 // LINES)  # 30 MB, or half of what a batch may have
    body = b"".join(json.dumps(program(n) | {"env": {"PADDING": padding}}).encode() + b"\n" for n in range(1, LINES + 1))
    with scenario.daemon(queue=20) as daemon:
        client = daemon.client(SECONDS)
        faults_of_results_before = post(client, body_of(40)).json  # everything that is needed at all is there
        results(client, faults_of_results_before["id"])
        before, peak, waiting = memory_of(daemon), 0, 0
        said = []
        sender = threading.Thread(target=lambda: said.append(post(daemon.client(SECONDS), body, "large")))
        sender.start()
        batch = found(client, "large")
        ended = []
        reader = threading.Thread(target=lambda: ended.extend(results(daemon.client(SECONDS), batch["id"])))
        reader.start()
        while sender.is_alive() or reader.is_alive():
            peak = max(peak, memory_of(daemon))
            states = client.request("GET", f"/v1/batches/{batch['id']}").json["states"]
            waiting = max(waiting, states["queued"])
            time.sleep(0.1)
        faults = list(faults_of_results(ended, LINES))[:10]
        if peak > before + GROWTH_BYTES_MAX:
            faults.append(f"memory grew from {before} to {peak} bytes")
        if waiting > 14:  # half, one more, and what a slot has given back
            faults.append(f"{waiting} waited, of a queue of 20 that is to be shared")
        return faults + ([] if said[0].status == 202 else [str(said[0])])


def cut_off(daemon, body, key, sent_bytes):
    """A client that dies in the middle of its upload."""
    connected = socket.socket(socket.AF_UNIX)
    connected.connect(daemon.address.removeprefix("unix:"))
    connected.sendall(f"POST /v1/batches HTTP/1.1\r\nHost: x\r\nIdempotency-Key: {key}\r\nContent-Type: application/jsonl\r\n"
                      f"Content-Length: {len(body)}\r\n\r\n".encode())
    connected.settimeout(1)
    try:
        connected.sendall(body[:sent_bytes])
    except TimeoutError:
        pass  # it is not read any further just now, and that is the point
    connected.close()


def a_client_that_was_killed_goes_on_where_it_was(scenario):
    count = LINES // 3
    body = body_of(count)
    with scenario.daemon() as daemon:
        client = daemon.client(SECONDS)
        cut_off(daemon, body, "killed", len(body) // 2 + 7)
        batch = found(client, "killed")
        cut_off(daemon, body, "killed", len(body) // 4)
        answer = post(client, body, "killed")
        faults = [] if answer.json["id"] == batch["id"] and answer.json["accepted"] == count else [str(answer)]
        return faults + list(faults_of_results(results(client, batch["id"]), count))[:10]


def a_daemon_that_was_killed_goes_on_where_it_was(scenario):
    body = body_of(LINES)
    with scenario.daemon() as daemon:
        ended, batch = {}, None

        def send():
            try:
                post(daemon.client(SECONDS), body, "crash")
            except OSError:
                pass

        for kills in range(3):
            sender = threading.Thread(target=send)
            sender.start()
            client = daemon.client(SECONDS)
            batch = found(client, "crash")["id"]
            eventually(client, batch, lambda state, least=(kills + 1) * LINES // 8: state["finished"] >= least)
            for line in results(client, batch, f"?follow=false&after={len(ended)}"):
                ended[line["batch"]["place"]] = line
            daemon.kill()
            sender.join(60)
            daemon.start()
        client = daemon.client(SECONDS)
        answer = post(client, body, "crash")
        faults = [] if answer.status == 202 and answer.json["accepted"] == LINES else [str(answer)]
        for line in results(client, batch, f"?after={len(ended)}"):
            ended[line["batch"]["place"]] = line
        state = client.request("GET", f"/v1/batches/{batch}").json
        if state["status"] != "finished" or state["finished"] != LINES or state["verdicts"]["completed"] != LINES:
            faults.append(f"it says {state}")
        return faults + list(faults_of_results(list(ended.values()), LINES))[:10]


if __name__ == "__main__":
    main(
        every_line_has_its_result_in_either_order,
        faulty_lines_are_named_and_the_others_run,
        a_line_larger_than_a_submission_is_refused_and_the_next_one_runs,
        the_same_batch_again_runs_nothing_twice,
        a_cancelled_batch_takes_no_more_and_ends,
        a_batch_larger_than_the_queue_waits_with_its_client,
        a_client_that_was_killed_goes_on_where_it_was,
        a_daemon_that_was_killed_goes_on_where_it_was,
    )
