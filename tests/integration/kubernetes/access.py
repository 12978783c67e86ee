#!/usr/bin/python3
"""As whom the cluster is asked: a token that a plugin of the kubeconfig prints, which expires, cannot be had, or is revoked."""

import contextlib
import tempfile
from pathlib import Path

from scenario import Flight, finish_all, left_by_daemon, main, python, submit, wait_until

# More than one of them passes while a flight's long evaluations run.
LIFE_SECONDS = 6

SCRIPT = """#!/bin/sh
cd "$(dirname "$0")" || exit
echo >>runs
[ ! -e trouble ] || { cat trouble >&2; exit 1; }
[ -z "$1" ] || expires=",\\"expirationTimestamp\\":\\"$(date -u -d "+$1 seconds" +%Y-%m-%dT%H:%M:%SZ)\\""
echo '{"apiVersion":"'"$VERSION"'","kind":"ExecCredential","status":{"token":"'"$(cat token)"'"'"$expires"'}}'
"""


class Plugin:
    """A script in a directory of its own, and a kubeconfig that names it. Its tokens say that they live so long, or nothing."""

    def __init__(self, cluster, directory, life_seconds):
        self.cluster = cluster
        self.directory = Path(directory)
        self.tokens = []
        self.hand_out()
        (self.directory / "plugin").write_text(SCRIPT)
        (self.directory / "plugin").chmod(0o700)
        version = "client.authentication.k8s.io/v1beta1"
        self.config = cluster.config_of("plugin", {"exec": {
            "apiVersion": version, "command": f"{directory}/plugin", "args": [str(life_seconds or "")],
            "env": [{"name": "VERSION", "value": version}], "interactiveMode": "Never",
        }})

    def hand_out(self):
        """Another token from now on."""
        self.tokens.append(self.cluster.make_token(f"plugin-{len(self.tokens)}"))
        (self.directory / "token").write_text(self.tokens[-1])

    def revoke(self, number):
        self.cluster.revoke_token(f"plugin-{number}")

    def fail(self, words):
        (self.directory / "trouble").write_text(words)

    def mend(self):
        (self.directory / "trouble").unlink()

    def runs(self):
        return len((self.directory / "runs").read_bytes())


@contextlib.contextmanager
def plugin_of(scenario, life_seconds):
    with tempfile.TemporaryDirectory(prefix="assay-plugin-") as directory:
        plugin = Plugin(scenario.cluster, directory, life_seconds)
        try:
            yield plugin
        finally:
            plugin.revoke(len(plugin.tokens) - 1)


def check_silence(daemon, plugin):
    if any(token in daemon.log_path.read_text() for token in plugin.tokens):
        yield "a token is in the log"


def found_by_doctor(daemon):
    checks = daemon.client().request("GET", "/v1/doctor").json["checks"]
    return {check["name"]: check["explanation"] for check in checks if check["name"].startswith("kubernetes_")}


def evaluations_go_on_while_tokens_expire_and_are_renewed(scenario):
    with plugin_of(scenario, LIFE_SECONDS) as plugin, scenario.daemon(slots=8, config=plugin.config) as daemon:
        flight = Flight(daemon)
        flight.take_off()
        yield from flight.land()
        if plugin.runs() < Flight.LONG_SECONDS // LIFE_SECONDS:
            yield f"the plugin ran {plugin.runs()} times only"
        if "cannot be reached" in daemon.log_path.read_text():
            yield "the cluster was away meanwhile"
        if f"a token from the plugin {plugin.directory}" not in found_by_doctor(daemon)["kubernetes_identity"]:
            yield f"the doctor says: {found_by_doctor(daemon)}"
        yield from check_silence(daemon, plugin)
        yield from left_by_daemon(daemon)


def a_plugin_that_fails_for_a_while_costs_time_only(scenario):
    with plugin_of(scenario, LIFE_SECONDS) as plugin, scenario.daemon(slots=8, config=plugin.config) as daemon:
        flight = Flight(daemon)
        flight.take_off()
        plugin.fail("log in first")
        wait_until("the doctor says so", lambda: "log in first" in found_by_doctor(daemon)["kubernetes_cluster"])
        short = flight.add_short(3)
        if any(daemon.client().get(each)["status"] != "queued" for each in short):
            yield "they were not left in the queue"
        plugin.mend()
        yield from flight.land()
        yield from check_silence(daemon, plugin)
        yield from left_by_daemon(daemon)


def a_plugin_that_fails_at_first_is_asked_again(scenario):
    with plugin_of(scenario, None) as plugin:
        plugin.fail("log in first")
        with scenario.daemon(config=plugin.config) as daemon:
            wait_until("the doctor says so", lambda: "log in first" in found_by_doctor(daemon)["kubernetes_cluster"])
            ids = submit(daemon, python("print(1)"))
            plugin.mend()
            for evaluation in finish_all(daemon, ids):
                if evaluation["stdout"]["text"] != "1\n":
                    yield f"{evaluation}"
            yield from left_by_daemon(daemon)


def a_token_that_the_server_does_not_take_any_more_is_replaced(scenario):
    with plugin_of(scenario, None) as plugin, scenario.daemon(slots=8, config=plugin.config) as daemon:
        flight = Flight(daemon)
        flight.take_off()
        plugin.hand_out()
        plugin.revoke(0)
        flight.add_short(3)
        yield from flight.land()
        if plugin.runs() != 2:
            yield f"the plugin ran {plugin.runs()} times"
        yield from check_silence(daemon, plugin)
        yield from left_by_daemon(daemon)


main(
    evaluations_go_on_while_tokens_expire_and_are_renewed, a_plugin_that_fails_for_a_while_costs_time_only,
    a_plugin_that_fails_at_first_is_asked_again, a_token_that_the_server_does_not_take_any_more_is_replaced,
)
