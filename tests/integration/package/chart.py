#!/usr/bin/python3
"""The chart and the kustomization of deploy/kubernetes are the same objects, and assayd takes the configuration in them. Whether a cluster
takes them is tests/integration/kubernetes/deploy.py's to say."""

import argparse
import json
import re
import sys
import tempfile
from pathlib import Path

import yaml

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from harness import manifests, tap
from harness.daemon import Daemon

# A port on which there is nobody: assayd waits for its cluster.
NO_CLUSTER = {
    "apiVersion": "v1", "kind": "Config", "current-context": "none", "clusters": [{"name": "none", "cluster": {"server": "http://127.0.0.1:1"}}],
    "contexts": [{"name": "none", "context": {"cluster": "none"}}],
}
# One value for every switch of the chart.
EVERYTHING = {
    "image": {"tag": "9", "pullPolicy": "Always"}, "imagePullSecrets": ["registry"], "tls": {"secretName": "assay-tls"},
    "persistence": {"storageClass": "fast"}, "service": {"type": "NodePort", "annotations": {"a": "b"}}, "serviceMonitor": {"enabled": True},
    "nodeSelector": {"a": "b"}, "tolerations": [{"key": "a", "operator": "Exists"}],
    "volumes": [{"name": "more", "emptyDir": {}}], "volumeMounts": [{"name": "more", "mountPath": "/more"}],
}


def the_chart_makes_what_the_kustomization_makes(chart, _):
    yield from manifests.differences(manifests.base(), manifests.load(chart.render()))


def the_chart_makes_the_monitor_that_is_applied_by_itself(chart, _):
    rendered = manifests.load(chart.render({"serviceMonitor": {"enabled": True}}))
    yield from manifests.differences(manifests.base() + manifests.load_file("metrics/servicemonitor.yaml"), rendered)


def a_cluster_before_1_21_gets_the_budget_that_it_knows(chart, _):
    rendered = manifests.load(chart.render(apis=["v1", "policy/v1beta1"]))
    expected = manifests.base()
    for one in expected:
        if one["kind"] == "PodDisruptionBudget":
            one["apiVersion"] = "policy/v1beta1"
    yield from manifests.differences(expected, rendered)


def every_value_of_the_chart_is_used(chart, _):
    templates = "".join(path.read_text() for path in (chart.directory / "templates").iterdir())
    values = yaml.safe_load((chart.directory / "values.yaml").read_text())

    def unused(value, path):
        if re.search(rf"\.Values{re.escape(path)}\b(?!\.\w)", templates):
            return
        if not isinstance(value, dict) or not value:
            yield f"{path} is in no template"
        else:
            for key, below in value.items():
                yield from unused(below, f"{path}.{key}")

    for key, value in values.items():
        yield from unused(value, f".{key}")


def every_switch_of_the_chart_changes_something(chart, _):
    standard = chart.render()
    for key, value in EVERYTHING.items():
        for changed in ({key: {name: below}} for name, below in value.items()) if isinstance(value, dict) else ({key: value},):
            rendered = chart.render(changed)
            manifests.load(rendered)
            if rendered == standard:
                yield f"{changed} changes nothing"
    kinds = {one["kind"] for one in manifests.load(chart.render({
        "evaluations": {"createNamespace": False, "quota": {"enabled": False}}, "persistence": {"existingClaim": "mine"},
    }))}
    if kinds & {"Namespace", "ResourceQuota", "PersistentVolumeClaim"}:
        yield f"not left out: {kinds}"


def assayd_takes_the_configuration(chart, options):
    rendered = next(one for one in manifests.load(chart.render()) if one["kind"] == "ConfigMap")["data"]["assayd.yaml"]
    for text in ((manifests.DIRECTORY / "base/assayd.yaml").read_text(), rendered):
        with tempfile.TemporaryDirectory(prefix="assay-chart-") as directory:
            config, cluster = Path(directory, "assayd.yaml"), Path(directory, "kubeconfig")
            config.write_text(text)
            cluster.write_text(json.dumps(NO_CLUSTER))
            own = ["--config", config, "--kubernetes-config", cluster]
            with Daemon(options.assayd, options.keeper, options=list(map(str, own))) as daemon:
                if daemon.addresses != [daemon.address]:
                    yield f"it listens on {daemon.addresses}"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--assayd", required=True, type=Path)
    parser.add_argument("--keeper", required=True, type=Path)
    options = parser.parse_args()
    if reason := manifests.why_no_chart():
        tap.skip_all(reason)
    report = tap.Tap()
    with manifests.Chart() as chart:
        for rule in (
            the_chart_makes_what_the_kustomization_makes, the_chart_makes_the_monitor_that_is_applied_by_itself,
            a_cluster_before_1_21_gets_the_budget_that_it_knows, every_value_of_the_chart_is_used, every_switch_of_the_chart_changes_something,
            assayd_takes_the_configuration,
        ):
            report.run(rule.__name__.replace("_", " "), rule, chart, options)
    sys.exit(report.done())


if __name__ == "__main__":
    main()
