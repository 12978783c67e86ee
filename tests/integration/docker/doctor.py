#!/usr/bin/python3
"""`assay doctor` says of Docker what there is and what is missing: reachable, version, cgroups, storage; and keeps to the truth
when the engine goes away."""

import json
import subprocess

from scenario import main, wait_until

CHECKS = {"engine", "version", "cgroups", "storage", "memory", "processes", "seccomp", "evidence", "live_restore", "containers"}


def checks(daemon):
    """{name: check} of the backend docker, from the daemon's report."""
    report = daemon.client().request("GET", "/v1/doctor").json
    text = json.dumps(report)
    if "docker" not in text:
        raise AssertionError(f"not a word of Docker: {text}")
    return {check["name"]: check for check in find_checks(report) if check["name"] in CHECKS}


def find_checks(value):
    """Whatever is a check, wherever it stands in the report."""
    if isinstance(value, dict):
        if {"name", "status"} <= value.keys():
            yield value
        value = list(value.values())
    if isinstance(value, list):
        for each in value:
            yield from find_checks(each)


def a_living_engine_is_described(scenario):
    with scenario.daemon(slots=1) as daemon:
        daemon.client().submit({"runtime": "sh", "code": "true"}, wait=60)
        found = checks(daemon)
        if missing := CHECKS - found.keys():
            yield f"nothing is said of {', '.join(sorted(missing))}"
            return
        said = {name: check["explanation"] for name, check in found.items()}
        version = scenario.engine.call("GET", "/version")
        information = scenario.engine.call("GET", "/info")
        for name, word in (
            ("engine", str(scenario.engine.socket)), ("version", version["Version"]), ("storage", information["Driver"]),
            ("cgroups", information["CgroupVersion"]),
        ):
            if word not in said[name]:
                yield f"{name} does not say {word}: {said[name]}"
        if found["engine"]["status"] != "ok":
            yield f"the engine is {found['engine']}"


def one_that_is_gone_is_said_to_be_gone(scenario):
    with scenario.own_engine(), scenario.daemon(slots=1) as daemon:
        daemon.client().submit({"runtime": "sh", "code": "true"}, wait=60)
        scenario.engine.dockerd.kill()
        wait_until("the engine is missed", lambda: checks(daemon)["engine"]["status"] == "missing", 30)
        scenario.engine.restart()
        wait_until("the engine is back", lambda: checks(daemon)["engine"]["status"] == "ok", 30)


def one_that_is_not_there_does_not_keep_the_daemon_from_starting(scenario):
    with scenario.daemon(slots=1, host=f"unix://{scenario.engine.directory}/nowhere.sock") as daemon:
        if checks(daemon)["engine"]["status"] != "missing":
            yield f"{checks(daemon)['engine']}"
        ready = daemon.client().request("GET", "/readyz")
        if daemon.client().request("GET", "/healthz").status != 200:
            yield f"it is not alive; ready: {ready}"


def the_command_line_shows_it(scenario):
    if not scenario.options.cli:
        yield "needs --cli"
        return
    with scenario.daemon(slots=1) as daemon:
        shown = subprocess.run([scenario.options.cli, "--server", daemon.address, "doctor"], capture_output=True, text=True, timeout=60)
        for word in ("docker", scenario.engine.call("GET", "/version")["Version"]):
            if word not in shown.stdout:
                yield f"it does not say {word}: {shown.stdout}{shown.stderr}"


main(
    a_living_engine_is_described, one_that_is_gone_is_said_to_be_gone,
    one_that_is_not_there_does_not_keep_the_daemon_from_starting, the_command_line_shows_it,
)
