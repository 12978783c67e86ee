#!/usr/bin/python3
"""Clients of the Crucible platform and of its executor work against a daemon as it is, and are told nothing but the truth."""

import os
import re
import subprocess
import time
from pathlib import Path

from scenario import DIVIDE, TRACEBACK, main

ID = re.compile(r"^\d{8}_\d{6}_[a-f0-9]{8}$")
OPEN = ("submitted", "queued", "provisioning", "running")
SCRIPT = Path(__file__).resolve().parents[1] / "docker/test-race-condition-fix.sh"
SLEEPER = {"code": "import time\nprint('here')\ntime.sleep(60)"}


def submit(client, submission):
    answer = client.request("POST", "/api/eval", submission)
    if answer.status != 200 or not ID.match(answer.json["eval_id"]):
        raise AssertionError(f"submitted {submission}: {answer}")
    return answer.json["eval_id"]


def poll(client, evaluation_id, until=lambda evaluation: evaluation["status"] not in OPEN, seconds=60):
    """As its clients wait: there is no other way in that API."""
    deadline = time.monotonic() + seconds
    while not until(evaluation := client.request("GET", f"/api/eval/{evaluation_id}").json):
        if time.monotonic() > deadline:
            raise AssertionError(f"after {seconds} s it is {evaluation}")
        time.sleep(0.02)
    return evaluation


def expect(what, found, **members):
    for name, value in members.items():
        if found.get(name, "absent") != value:
            yield f"{what}: {name} is {found.get(name, 'absent')!r}, not {value!r}"


def a_program_that_dies_at_once_has_failed_with_its_traceback(scenario):
    with scenario.daemon() as daemon:
        client = daemon.client()
        failed = poll(client, submit(client, {"code": DIVIDE}))
        yield from expect(
            "1/0", failed, status="failed", code=DIVIDE, language="python", output=TRACEBACK,
            error=f"exited with code 1\n\n{TRACEBACK}", exit_code=1, output_truncated=False, error_truncated=False,
        )
        if not (failed["created_at"] <= failed["started_at"] <= failed["completed_at"]):
            yield f"its times are {failed['created_at']}, {failed['started_at']}, {failed['completed_at']}"


def what_it_wrote_is_there_in_the_order_written(scenario):
    code = "import sys\nfor i in range(3):\n  print('out', i)\n  print('err', i, file=sys.stderr)"
    with scenario.daemon() as daemon:
        client = daemon.client()
        evaluation_id = submit(client, {"code": code, "timeout": "20", "priority": False, "debug": True})
        completed = poll(client, evaluation_id)
        output = "".join(f"out {i}\nerr {i}\n" for i in range(3))
        yield from expect("in order", completed, status="completed", output=output, error="", exit_code=0)
        for path in ("logs", "status"):
            logs = client.request("GET", f"/api/eval/{evaluation_id}/{path}").json
            yield from expect(path, logs, eval_id=evaluation_id, output=output, error="", is_running=False, exit_code=0,
                              source="database", status="completed", success=True)
        odd = poll(client, submit(client, {"code": r"import os; os.write(1, b'\xff\x00\n')"}))
        yield from expect("not UTF-8", odd, output="�\0\n")


def a_time_out_is_failed_with_what_was_written_before(scenario):
    with scenario.daemon() as daemon:
        client = daemon.client()
        begun = time.monotonic()
        failed = poll(client, submit(client, SLEEPER | {"timeout": 2}))
        seconds = time.monotonic() - begun
        yield from expect("timed out", failed, status="failed", output="here\n", exit_code=137)
        yield from expect("timed out", failed["metadata"], verdict="timed_out", fault="program", timeout=2)
        if not failed["error"] or not 2 <= seconds < 10:
            yield f"after {seconds:.1f} s its error is {failed['error']!r}"


def what_is_asked_for_and_not_so_is_said(scenario):
    with scenario.daemon() as daemon:
        client = daemon.client()
        submission = {"code": "print(1)", "cpu_limit": "500m", "memory_limit": "64Mi", "executor_image": "executor-base"}
        completed = poll(client, submit(client, submission))
        metadata = completed["metadata"]
        yield from expect("metadata", metadata, engine="native", memory_limit_bytes=64 << 20)
        fields = [(row["field"], row["value"]) for row in metadata["not_enforced"]]
        if fields != [("cpu_limit", "500m"), ("executor_image", "executor-base")]:
            yield f"not enforced: {metadata['not_enforced']}"
        over = poll(client, submit(client, {"code": "x = bytearray(200 << 20)", "memory_limit": "32Mi"}))
        yield from expect("over its memory", over, status="failed")
        for more, name in ({"memory_limit": "900Ti"}, "memory"), ({"cpu_limit": "9000"}, "CPU"):
            answer = client.request("POST", "/api/eval", {"code": "1"} | more)
            if answer.status != 400 or not re.match(rf"Requested {name} \(.*\) exceeds total cluster limit \(", answer.json["detail"]):
                yield f"{more}: {answer}"


def the_running_are_killed_and_all_others_cancelled(scenario):
    with scenario.daemon(slots=1) as daemon:
        client = daemon.client()
        runs = submit(client, SLEEPER)
        waits = submit(client, SLEEPER)
        poll(client, runs, lambda evaluation: evaluation["status"] == "running")
        logs = client.request("GET", f"/api/eval/{runs}/logs").json
        yield from expect("while it runs", logs, is_running=True, status="running", exit_code=None, source="executor")
        answer = client.request("POST", f"/api/eval/{waits}/kill")
        if (answer.status, answer.json) != (404, {"error": "Evaluation not running"}):
            yield f"kill of one that waits: {answer}"
        answer = client.request("POST", f"/api/eval/{waits}/cancel")
        yield from expect("cancel of one that waits", answer.json, eval_id=waits, status="cancelled")
        yield from expect("cancelled", poll(client, waits), status="cancelled", exit_code=None, started_at=None)
        answer = client.request("POST", f"/api/eval/{runs}/kill")
        yield from expect("kill", answer.json, eval_id=runs, status="killed", message="Evaluation killed successfully")
        killed = client.request("GET", f"/api/eval/{runs}").json  # no polling: it is dead when the kill is answered
        yield from expect("killed", killed, status="cancelled", error="cancelled by a client")
        answer = client.request("POST", f"/api/eval/{runs}/kill")
        if answer.status != 404:
            yield f"kill of a dead one: {answer}"
        answer = client.request("POST", f"/api/eval/{runs}/cancel")
        yield from expect("cancel of a dead one", answer.json, status="cancelled",
                          message="Evaluation already in terminal state: cancelled")


def a_batch_is_many_and_lists_and_statistics_count_them(scenario):
    with scenario.daemon() as daemon:
        client = daemon.client()
        answer = client.request("POST", "/api/eval-batch", {"evaluations": [{"code": f"print({i}); {i} / {i % 2}"} for i in range(10)]})
        batch = answer.json
        if answer.status != 202 or (batch["total"], batch["queued"], batch["failed"]) != (10, 10, 0):
            yield f"{answer}"
        ended = [poll(client, item["eval_id"]) for item in batch["evaluations"]]
        for i, evaluation in enumerate(ended):
            output = evaluation["output"].splitlines()[0]
            if (evaluation["status"], output) != ("completed" if i % 2 else "failed", str(i)):
                yield f"number {i} is {evaluation['status']}, {evaluation['output']!r}"
        ids = [item["eval_id"] for item in reversed(batch["evaluations"])]
        pages = [client.request("GET", f"/api/evaluations?limit=4&offset={offset}").json for offset in (0, 4, 8)]
        listed = [item["eval_id"] for page in pages for item in page["evaluations"]]
        if sorted(listed) != sorted(ids) or [page["has_more"] for page in pages] != [True, True, False]:
            yield f"the pages show {listed}"
        if any(page["count"] != 10 for page in pages):
            yield f"they count {[page['count'] for page in pages]}"
        if not pages[0]["evaluations"][0]["code_preview"].startswith("print("):
            yield f"{pages[0]['evaluations'][0]}"
        failed = client.request("GET", "/api/evaluations?status=failed").json
        if failed["count"] != 5 or {item["status"] for item in failed["evaluations"]} != {"failed"}:
            yield f"{failed['count']} have failed"
        statistics = client.request("GET", "/api/statistics").json
        yield from expect("statistics", statistics, total_evaluations=10, by_status={"failed": 5, "completed": 5},
                          by_language={"python": 10}, success_rate=0.5, last_24h_count=10)
        queue = client.request("GET", "/api/queue/status").json
        yield from expect("queue", queue, queued=0, processing=0, queue_length=0, total_tasks=0, error=None)
        if client.request("POST", "/api/eval-batch", {"evaluations": [{"code": "1"}] * 101}).status != 400:
            yield "a batch of 101 was taken"


def a_full_queue_is_503(scenario):
    with scenario.daemon(slots=1, queue=2) as daemon:
        client = daemon.client()
        first = submit(client, SLEEPER)
        poll(client, first, lambda evaluation: evaluation["status"] == "running")
        accepted = [first]
        for _ in range(5):
            answer = client.request("POST", "/api/eval", SLEEPER)
            if answer.status == 200:
                accepted.append(answer.json["eval_id"])
        if len(accepted) != 3 or answer.status != 503 or "full" not in answer.json["detail"]:
            yield f"{len(accepted)} were accepted, the last answer is {answer}"
        for evaluation_id in accepted:
            client.request("POST", f"/api/eval/{evaluation_id}/cancel")


def an_executors_client_uses_its_own_ids(scenario):
    mine, other = "20250101_000000_0123abcd", "20250101_000000_0123abce"
    with scenario.daemon(slots=1) as daemon:
        client = daemon.client()
        execution = {"eval_id": mine, "code": "print('hello'); raise SystemExit(3)", "timeout": 20}
        answer = client.request("POST", "/execute", execution).json
        yield from expect("execute", answer, eval_id=mine, status="running", output="", error="", exit_code=-1)
        again = client.request("POST", "/execute", execution).json
        yield from expect("the same again", again, eval_id=mine, container_id=answer["container_id"])
        differs = client.request("POST", "/execute", execution | {"code": "print(2)"}).json
        yield from expect("another program", differs, eval_id=mine, status="failed", container_id=None)
        deadline = time.monotonic() + 60
        while (logs := client.request("GET", f"/logs/{mine}").json)["is_running"]:
            if time.monotonic() > deadline:
                raise AssertionError(f"{logs}")
            time.sleep(0.02)
        if logs != {"eval_id": mine, "output": "hello\n", "error": "exited with code 3", "is_running": False, "exit_code": 3}:
            yield f"{logs}"
        yield from expect("the platform", client.request("GET", f"/api/eval/{mine}").json, eval_id=mine, status="failed")
        daemon.kill()  # and it is still known by that id to the next daemon
        daemon.start()
        client = daemon.client()
        yield from expect("after a crash", client.request("GET", f"/logs/{mine}").json, output="hello\n", exit_code=3)

        client.request("POST", "/execute", {"eval_id": other, "code": "import time; time.sleep(60)"})
        running = client.request("GET", "/running").json
        if [execution["eval_id"] for execution in running["running_executions"]] != [other]:
            yield f"{running}"
        yield from expect("capacity", client.request("GET", "/capacity").json, can_accept=False, max_concurrent=1, available_slots=0)
        status = client.request("GET", "/status").json
        yield from expect("status", status, status="healthy", running_count=1)
        if [execution["eval_id"] for execution in status["recent_executions"]] != [other, mine]:
            yield f"{status}"
        yield from expect("kill", client.request("POST", f"/kill/{other}").json, eval_id=other, success=True)
        yield from expect("kill again", client.request("POST", f"/kill/{other}").json, success=False)
        yield from expect("nobody", client.request("GET", "/logs/nobody").json, error="Container not found", is_running=False)
        yield from expect("health", client.request("GET", "/health").json, status="healthy", service="executor")


def operators_can_ask_a_service_whether_the_race_is_won(scenario):
    with scenario.daemon(options=["--listen", "127.0.0.1:0"]) as daemon:
        url = "http://" + re.search(r"listening on (127\.0\.0\.1:\d+)", daemon.log())[1]
        asked = subprocess.run([SCRIPT, url, "3"], capture_output=True, text=True, timeout=120)
        if asked.returncode != 0 or asked.stdout.count("ZeroDivisionError: division by zero") != 3 or "PASSED" not in asked.stdout:
            yield f"status {asked.returncode}: {asked.stdout}{asked.stderr}"
    asked = subprocess.run([SCRIPT, url], capture_output=True, text=True, timeout=120)
    if asked.returncode != 1 or "FAILED" not in asked.stdout:
        yield f"with nobody there it said {asked.returncode}: {asked.stdout}{asked.stderr}"


def a_service_that_loses_the_race_is_found_out(scenario):
    """A service like the one before: the evaluation has failed, and nothing is known of it."""
    from http.server import BaseHTTPRequestHandler, HTTPServer
    from threading import Thread

    class Loser(BaseHTTPRequestHandler):
        lost = b'{"eval_id": "20250101_000000_0123abcd", "status": "failed", "output": "", "error": "", "code": "1/0"}'

        def answer(self):
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self.send_response(200)
            self.send_header("Content-Length", str(len(self.lost)))
            self.end_headers()
            self.wfile.write(self.lost)

        do_GET = do_POST = answer

        def log_message(self, *_):
            pass

    server = HTTPServer(("127.0.0.1", 0), Loser)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        for lost, reason in (Loser.lost, "no output"), (Loser.lost.replace(b"failed", b"completed"), "must be failed"), (
            Loser.lost.replace(b"failed", b"running"), "still running"), (b'{"detail": "?"}', "without an eval_id"):
            Loser.lost = lost
            asked = subprocess.run(
                [SCRIPT, f"http://127.0.0.1:{server.server_port}", "1"], capture_output=True, text=True, timeout=60,
                env=os.environ | {"SECONDS_MAX": "1"},
            )
            if asked.returncode != 1 or f"FAILED: " not in asked.stdout or reason not in asked.stdout:
                yield f"of {lost} it said {asked.returncode}: {asked.stdout}{asked.stderr}"
    finally:
        server.shutdown()
        server.server_close()


def it_can_be_turned_off(scenario):
    with scenario.daemon(options=["--compat", "none"]) as daemon:
        client = daemon.client()
        for method, path in ("POST", "/api/eval"), ("GET", "/health"), ("GET", "/capacity"):
            if (answer := client.request(method, path)).status != 404:
                yield f"{path}: {answer}"


main(
    a_program_that_dies_at_once_has_failed_with_its_traceback,
    what_it_wrote_is_there_in_the_order_written,
    a_time_out_is_failed_with_what_was_written_before,
    what_is_asked_for_and_not_so_is_said,
    the_running_are_killed_and_all_others_cancelled,
    a_batch_is_many_and_lists_and_statistics_count_them,
    a_full_queue_is_503,
    an_executors_client_uses_its_own_ids,
    operators_can_ask_a_service_whether_the_race_is_won,
    a_service_that_loses_the_race_is_found_out,
    it_can_be_turned_off,
)
