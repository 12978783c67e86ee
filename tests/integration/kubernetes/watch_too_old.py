#!/usr/bin/python3
"""A watch that was cut goes on from a version that the cluster has forgotten (410 Gone): all is listed anew, and nothing is lost."""

import http.client
import json

from scenario import Flight, kubernetes, left_by_daemon, main, relay, wait_until

PODS = f"/api/v1/namespaces/{kubernetes.NAMESPACE}/pods"


def revision(cluster):
    return int(cluster.call("GET", PODS)["metadata"]["resourceVersion"])


def compact(cluster, until):
    """etcd forgets what was before this revision, as the API server lets it do every five minutes."""
    connection = http.client.HTTPConnection("127.0.0.1", kubernetes.ETCD_PORT, timeout=60)
    with cluster.inside_network():
        connection.connect()
    connection.request("POST", "/v3/kv/compaction", json.dumps({"revision": str(until), "physical": True}))
    answer = connection.getresponse()
    if answer.status != 200:
        raise AssertionError(f"etcd answers {answer.status} {answer.read()!r}")


def is_forgotten(cluster, version):
    """Whether a watch cannot go on from there."""
    status, body = cluster.request("GET", f"{PODS}?watch=1&timeoutSeconds=1&resourceVersion={version}")
    return status == 410 or any(json.loads(line)["object"].get("code") == 410 for line in body.splitlines())


def a_version_that_is_forgotten_costs_a_list(scenario):
    cluster = scenario.cluster
    with (
        relay.Relay(kubernetes.PORT, cluster.inside_network) as network,
        scenario.daemon(slots=8, config=cluster.config_through(network.listening_port)) as daemon,
    ):
        flight = Flight(daemon)
        flight.take_off()
        newest = max(int(pod["metadata"]["resourceVersion"]) for pod in cluster.objects("pods", "jobs"))
        wait_until("others have changed since", lambda: revision(cluster) > newest + 2)
        compact(cluster, revision(cluster))
        if not is_forgotten(cluster, newest):
            yield f"a watch can still go on from {newest}"
        network.cut()
        flight.add_short(3)
        yield from flight.land()
        yield from left_by_daemon(daemon)


# With its cache the API server would remember some of what etcd has forgotten.
main(a_version_that_is_forgotten_costs_a_list, api_options=["--watch-cache=false"])
