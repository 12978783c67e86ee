#!/usr/bin/python3
"""Clients of the Crucible platform, whose evaluations were containers, against a daemon whose evaluations are containers too."""

import re
import subprocess
from pathlib import Path

from scenario import PATIENCE_SECONDS, left_by_daemon, main, wait_until
from harness import docker

SCRIPT = Path(__file__).with_name("test-race-condition-fix.sh")
WHERE = "import os; print(os.path.exists('/.dockerenv'))"


def evaluate(client, submission):
    answer = client.request("POST", "/api/eval", submission)
    if answer.status != 200:
        raise AssertionError(f"{answer}")
    path = f"/api/eval/{answer.json['eval_id']}"
    wait_until("it has ended", lambda: client.request("GET", path).json["status"] in ("completed", "failed", "cancelled"), PATIENCE_SECONDS)
    return client.request("GET", path).json


def operators_can_ask_a_service_whether_the_race_is_won(scenario):
    with scenario.daemon(options=["--listen", "127.0.0.1:0"]) as daemon:
        url = "http://" + re.search(r"listening on (127\.0\.0\.1:\d+)", daemon.log(100_000))[1]
        asked = subprocess.run([SCRIPT, url, "5"], capture_output=True, text=True, timeout=PATIENCE_SECONDS)
        if asked.returncode != 0 or asked.stdout.count("ZeroDivisionError: division by zero") != 5:
            yield f"status {asked.returncode}: {asked.stdout}{asked.stderr}"
        yield from left_by_daemon(daemon)


def an_engine_is_docker_where_there_is_one(scenario):
    with scenario.daemon(options=["--backend", "native"]) as daemon:
        client = daemon.client()
        for engine, backend, output in ("docker", "docker", "True\n"), ("gvisor", "docker", "True\n"), ("native", "native", "False\n"):
            ended = evaluate(client, {"code": WHERE, "engine": engine})
            if (ended["output"], ended["metadata"]["engine"]) != (output, backend):
                yield f"{engine}: {ended}"
        yield from left_by_daemon(daemon)


def an_image_is_the_one_that_was_asked_for(scenario):
    with scenario.daemon(options=["--docker-images", "local/**", "--docker-pull", "never"]) as daemon:
        client = daemon.client()
        ended = evaluate(client, {"code": "print(1)", "executor_image": docker.IMAGE})
        if (ended["status"], ended["metadata"]["image"], ended["metadata"]["not_enforced"]) != ("completed", docker.IMAGE, []):
            yield f"{ended}"
        missing = evaluate(client, {"code": "print(1)", "executor_image": "local/there-is-none:1"})
        if missing["status"] != "failed" or "local/there-is-none:1" not in missing["error"] or missing["metadata"]["fault"] != "request":
            yield f"{missing}"
        refused = client.request("POST", "/api/eval", {"code": "print(1)", "executor_image": "elsewhere/image:1"})
        if refused.status != 422 or refused.json["detail"][0]["loc"] != ["body", "executor_image"]:
            yield f"{refused}"
        yield from left_by_daemon(daemon)


main(
    operators_can_ask_a_service_whether_the_race_is_won,
    an_engine_is_docker_where_there_is_one,
    an_image_is_the_one_that_was_asked_for,
)
