#!/usr/bin/python3
"""`assay doctor` says of Docker what there is and what is missing: reachable, version, cgroups, storage; and keeps to the truth
when the engine goes away."""

import subprocess

from scenario import main, wait_until

CHECKS = {"engine", "version", "platform", "cgroups", "memory", "processes", "seccomp", "users", "evidence", "storage", "live_restore", "isolation"}


def checks(daemon):
    """{name: check} of the backend docker, from the daemon's report; the names without "docker_"."""
    [backend] = daemon.client().request("GET", "/v1/doctor").json["backends"]
    if backend["name"] != "docker":
        raise AssertionError(backend)
    return {check["name"].removeprefix("docker_"): check for check in backend["checks"]}


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
        if found["live_restore"]["status"] != "warning":
            yield f"an engine without live-restore is {found['live_restore']}"


def one_that_is_gone_is_said_to_be_gone(scenario):
    with scenario.own_engine(live_restore=True), scenario.daemon(slots=1) as daemon:
        daemon.client().submit({"runtime": "sh", "code": "true"}, wait=60)
        if checks(daemon)["live_restore"]["status"] != "ok":
            yield f"an engine with live-restore is {checks(daemon)['live_restore']}"
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
        daemon.client().submit({"runtime": "sh", "code": "true"}, wait=60)
        shown = subprocess.run([scenario.options.cli, "doctor", "--server", daemon.address], capture_output=True, text=True, timeout=60)
        for word in ("docker", scenario.engine.call("GET", "/version")["Version"]):
            if word not in shown.stdout:
                yield f"it does not say {word}: {shown.stdout}{shown.stderr}"


main(
    a_living_engine_is_described, one_that_is_gone_is_said_to_be_gone,
    one_that_is_not_there_does_not_keep_the_daemon_from_starting, the_command_line_shows_it,
)
