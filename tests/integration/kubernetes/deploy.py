#!/usr/bin/python3
"""deploy/kubernetes in a real cluster: every object is accepted, assayd runs as a pod with no right more than it needs, all pods pass the
strictest policy that the cluster knows, and what runs outlives the daemon's pod."""

import argparse
import base64
import io
import json
import re
import shutil
import ssl
import subprocess
import sys
import time
from pathlib import Path

import yaml
from scenario import DIVIDE, check_divided, finish_all, python, submit, wait_until

from harness import client, docker, kubernetes, manifests, tap, traces
from harness.manifests import EVALUATIONS, NAMESPACE

EXECUTOR_IMAGE = "local/assay-executor:1"
ACCOUNT = f"system:serviceaccount:{NAMESPACE}:assay"
PORT, SERVER_NAME = 7117, f"assay.{NAMESPACE}.svc"
READY_SECONDS = 180
RECONCILED_SECONDS = 150
_TEXT = {"type": "string"}
_MAP = {"type": "object", "additionalProperties": _TEXT}


def _object(**properties):
    return {"type": "object", "properties": properties}


# What deploy/kubernetes uses of the Prometheus operator's.
CRD = {
    "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {"name": "servicemonitors.monitoring.coreos.com"},
    "spec": {
        "group": "monitoring.coreos.com", "scope": "Namespaced",
        "names": {"kind": "ServiceMonitor", "plural": "servicemonitors", "singular": "servicemonitor"},
        "versions": [{
            "name": "v1", "served": True, "storage": True,
            "schema": {"openAPIV3Schema": _object(spec=_object(
                selector=_object(matchLabels=_MAP), endpoints={"type": "array", "items": _object(
                    port=_TEXT, path=_TEXT, interval=_TEXT, scheme=_TEXT,
                    authorization=_object(type=_TEXT, credentials=_object(name=_TEXT, key=_TEXT)),
                    tlsConfig=_object(ca=_object(secret=_object(name=_TEXT, key=_TEXT)), serverName=_TEXT),
                )},
            ))},
        }],
    },
}
# What Kubernetes 1.20 has of the level "restricted", as its documentation has it, and a read-only root besides. It holds for all pods of
# the cluster.
POLICY = [
    {
        "apiVersion": "policy/v1beta1", "kind": "PodSecurityPolicy", "metadata": {
            "name": "restricted", "annotations": {"seccomp.security.alpha.kubernetes.io/allowedProfileNames": "runtime/default"},
        },
        "spec": {
            "privileged": False, "allowPrivilegeEscalation": False, "requiredDropCapabilities": ["ALL"], "readOnlyRootFilesystem": True,
            "volumes": ["configMap", "emptyDir", "projected", "secret", "downwardAPI", "persistentVolumeClaim"],
            "runAsUser": {"rule": "MustRunAsNonRoot"}, "seLinux": {"rule": "RunAsAny"},
            "supplementalGroups": {"rule": "RunAsAny"}, "fsGroup": {"rule": "RunAsAny"},
        },
    },
    {
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": "restricted"},
        "rules": [{"apiGroups": ["policy"], "resources": ["podsecuritypolicies"], "resourceNames": ["restricted"], "verbs": ["use"]}],
    },
    {
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding", "metadata": {"name": "restricted"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "restricted"},
        "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "Group", "name": "system:serviceaccounts"}],
    },
]
AUDIT = {
    "apiVersion": "audit.k8s.io/v1", "kind": "Policy", "omitStages": ["RequestReceived"],
    "rules": [{"level": "Metadata", "users": [ACCOUNT]}, {"level": "None"}],
}
API_OPTIONS = (
    "--enable-admission-plugins=NodeRestriction,PodSecurityPolicy", "--audit-policy-file={directory}/audit.json",
    "--audit-log-path={directory}/audit.log",
)
# What is asked when something is not as it should be: after a crash in the middle of a launch, and where there is no pod.
SELDOM_USED = {("jobs", "get"), ("events", "list")}


def sleeper(seconds):
    return python(f"import time; print('begun', flush=True); time.sleep({seconds}); print('ended')", limits={"wall_time_ms": 900000})


class Connection(client.Connection):
    """TLS to a pod, whose address is in the cluster's network."""

    def __init__(self, site, timeout):
        super().__init__(f"{site.pod()['status']['podIP']}:{PORT}", timeout)
        self.site = site

    def connect(self):
        with self.site.cluster.inside_network():
            connected = client.connect(self.address, self.timeout)
        self.sock = self.site.tls.wrap_socket(connected, server_hostname=SERVER_NAME)


class Client(client.Client):
    def __init__(self, site, token, timeout):
        super().__init__(SERVER_NAME, timeout)
        self.site, self.token = site, token

    def _dial(self):
        return Connection(self.site, self.timeout)

    def request(self, method, path, body=None, headers=None):
        authorization = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        return super().request(method, path, body, (headers or {}) | authorization)


class Site:
    """The example of deploy/kubernetes made somebody's own, in a cluster."""

    def __init__(self, cluster, options):
        self.cluster = cluster
        self.options = options
        self.directory = cluster.directory / "deploy"
        self.token = None
        shutil.copytree(manifests.DIRECTORY, self.directory)
        self._make_certificate()
        self._make_example_own()

    def _make_certificate(self):
        self.certificate, self.key = self.cluster.directory / "tls.crt", self.cluster.directory / "tls.key"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
                        "-subj", "/CN=assay", "-addext", f"subjectAltName=DNS:{SERVER_NAME}", "-keyout", self.key, "-out", self.certificate],
                       check=True, capture_output=True)
        self.tls = ssl.create_default_context(cafile=self.certificate)

    def _make_example_own(self):
        example = self.directory / "example"
        kustomization = yaml.safe_load((example / "kustomization.yaml").read_text())
        del kustomization["resources"]
        kustomization["bases"] = ["../before-1.21"]  # as this kubectl has it
        kustomization["images"][0] |= dict(zip(("newName", "newTag"), EXECUTOR_IMAGE.split(":"), strict=True))
        (example / "kustomization.yaml").write_text(yaml.safe_dump(kustomization))
        config = yaml.safe_load((example / "assayd.yaml").read_text())
        del config["kubernetes_pull_secret"]
        config |= {
            "kubernetes_keeper_image": kubernetes.KEEPER_IMAGE, "kubernetes_image": docker.IMAGE, "kubernetes_pull": "never",
            "kubernetes_cpus": "0.2", "kubernetes_slots": 6,  # this node has two processors
        }
        (example / "assayd.yaml").write_text(yaml.safe_dump(config))

    def kubectl(self, *arguments, given=None, check=True):
        command = [*self.cluster.into_network(), self.cluster.programs / "kubectl", "--kubeconfig", self.cluster.admin_config, *arguments]
        environment = {"HOME": str(self.cluster.directory), "PATH": "/usr/bin:/bin"}
        done = subprocess.run(command, input=given, capture_output=True, text=True, env=environment)
        if check and done.returncode:
            raise kubernetes.Failure(f"kubectl {' '.join(map(str, arguments))}: {done.stderr}")
        return done

    def apply(self, *arguments, given=None):
        """What is wrong with it, as lines."""
        applied = self.kubectl("apply", *arguments, given=given, check=False)
        return applied.stderr.splitlines() if applied.returncode else []

    def pods(self):
        return [pod for pod in self.cluster.objects("pods", namespace=NAMESPACE) if "deletionTimestamp" not in pod["metadata"]]

    def pod(self):
        """The daemon's, once it is ready."""
        def ready():
            return [
                pod for pod in self.pods()
                if any(each["type"] == "Ready" and each["status"] == "True" for each in pod["status"].get("conditions", ()))
            ]
        try:
            return wait_until("assayd's pod is ready", ready, READY_SECONDS)[0]
        except AssertionError as error:
            raise kubernetes.Failure(f"{error}\n{self.kubectl('-n', NAMESPACE, 'describe', 'pods').stdout}\n{self.log()}") from None

    def log(self):
        return self.kubectl("-n", NAMESPACE, "logs", "--tail=50", "deploy/assay", check=False).stdout

    def make_token(self, name, *scopes):
        """As docs/kubernetes.md says."""
        options = [word for scope in scopes for word in ("--scope", scope)]
        return self.kubectl("-n", NAMESPACE, "exec", "deploy/assay", "--", "assay", "token", "create", name, *options).stdout.strip()

    def client(self, timeout=120, token=None):
        return Client(self, self.token if token is None else token, timeout)

    def evaluations(self, *kinds):
        return self.cluster.objects(*kinds, namespace=EVALUATIONS)

    def running_pods(self):
        return [pod for pod in self.evaluations("pods") if pod["status"]["phase"] == "Running" and "deletionTimestamp" not in pod["metadata"]]

    def evict(self, namespace, pod):
        """As a drained node does. The status, and what was said."""
        body = {"apiVersion": "policy/v1beta1", "kind": "Eviction", "metadata": {"name": pod, "namespace": namespace}}
        return self.cluster.request("POST", f"/api/v1/namespaces/{namespace}/pods/{pod}/eviction", body)


def executor_image(options):
    """What deploy/docker/Dockerfile puts together, of this host's libraries."""
    programs = [options.assayd, options.cli]
    needed = subprocess.run(["ldd", *programs], check=True, capture_output=True, text=True).stdout
    libraries = {word for word in needed.split() if word.startswith("/") and not word.endswith(":")}
    files = {library.lstrip("/"): Path(library).read_bytes() for library in libraries}
    files |= {f"usr/local/bin/{program.name}": program.read_bytes() for program in programs}
    return kubernetes.image_of(files | {"usr/local/libexec/assay/assay-keeper": options.keeper.read_bytes()})


# The rules, in this order: each finds what the one before it has made.


def every_object_is_accepted(site):
    for one in (*POLICY, CRD):
        yield from site.apply("-f", "-", given=json.dumps(one))
    site.kubectl("create", "namespace", NAMESPACE)
    site.kubectl("-n", NAMESPACE, "create", "secret", "tls", "assay-tls", f"--cert={site.certificate}", f"--key={site.key}")
    yield from site.apply("-k", site.directory / "example")
    # Held against its schema, and not made: this API server, an old one built with a new Go, dies of any custom object
    # (https://github.com/modern-go/reflect2/issues/24).
    wait_until("ServiceMonitors are known", lambda: b"com.coreos.monitoring.v1.ServiceMonitor" in site.cluster.request("GET", "/openapi/v2")[1])
    yield from site.apply("--dry-run=client", "-k", site.directory / "metrics")


def the_chart_is_accepted_and_makes_the_same(site):
    if reason := manifests.why_no_chart():
        yield reason
        return
    values = {
        "image": {"repository": EXECUTOR_IMAGE.split(":")[0], "tag": EXECUTOR_IMAGE.split(":")[1]}, "tls": {"secretName": "assay-tls"},
        "config": yaml.safe_load((site.directory / "example/assayd.yaml").read_text()),
    }
    with manifests.Chart() as chart:
        apis = site.kubectl("api-versions").stdout.split()
        kustomized = manifests.load(site.kubectl("kustomize", site.directory / "example").stdout)
        yield from manifests.differences(kustomized, manifests.load(chart.render(values, apis=apis)))
        values |= {"service": {"type": "NodePort"}, "persistence": {"storageClass": "fast"}}
        yield from site.apply("--dry-run=server", "-f", "-", given=chart.render(values, release="another", apis=apis))
        values |= {"serviceMonitor": {"enabled": True}}
        yield from site.apply("--dry-run=client", "-f", "-", given=chart.render(values, release="another", apis=apis))


def assayd_runs_as_a_pod_and_evaluates(site):
    site.pod()
    site.token = site.make_token("test")
    with_token, without = site.client(), site.client(token="")
    for asked, path, expected in ((without, "/readyz", 200), (without, "/v1/evaluations", 401), (with_token, "/v1/evaluations", 200)):
        if (answer := asked.request("GET", path)).status != expected:
            yield f"{path}: {answer}"
    divided, hello = finish_all(site, submit(site, python(DIVIDE), python("print('hello')")))
    yield from check_divided([divided])
    if hello["verdict"]["kind"] != "completed" or hello["stdout"]["text"] != "hello\n" or hello["backend"] != "kubernetes":
        yield f"{hello}"


def prometheus_is_let_in_with_the_token_of_its_secret(site):
    token = site.make_token("prometheus", "read")
    site.kubectl("-n", NAMESPACE, "create", "secret", "generic", "assay-metrics", "--from-file=token=/dev/stdin", given=token)
    (monitor,) = manifests.load_file("metrics/servicemonitor.yaml")
    (endpoint,) = monitor["spec"]["endpoints"]
    wanted = endpoint["authorization"]["credentials"]
    secret = site.cluster.call("GET", f"/api/v1/namespaces/{NAMESPACE}/secrets/{wanted['name']}")["data"][wanted["key"]]
    answer = site.client(token=base64.b64decode(secret).decode()).request("GET", endpoint["path"])
    if answer.status != 200 or b"assay_slots 6" not in answer.body:
        yield f"{answer}"
    for service in site.cluster.objects("services", namespace=NAMESPACE):
        if not monitor["spec"]["selector"]["matchLabels"].items() <= service["metadata"]["labels"].items():
            yield f"the monitor does not select {service['metadata']}"
        if endpoint["port"] not in [port["name"] for port in service["spec"]["ports"]]:
            yield f"the monitor's port is not one of {service['spec']['ports']}"


def not_restricted(spec):
    """What the Pod Security level "restricted" says against a pod."""
    for container in (*spec.get("initContainers", ()), *spec["containers"]):
        given = container["securityContext"]
        if given.get("privileged") or given.get("allowPrivilegeEscalation") is not False:
            yield f"{container['name']} may gain privileges"
        if given.get("capabilities") != {"drop": ["ALL"]}:
            yield f"{container['name']} keeps capabilities"
        if any("hostPort" in port for port in container.get("ports", ())):
            yield f"{container['name']} has a port of its host"
    context = spec["securityContext"]
    if not context.get("runAsNonRoot") or context.get("seccompProfile") != {"type": "RuntimeDefault"}:
        yield f"it may run as root, or without seccomp: {context}"
    if any(spec.get(key) for key in ("hostNetwork", "hostPID", "hostIPC")):
        yield "it has namespaces of its host"
    for volume in spec["volumes"]:
        if volume.keys() - {"name", "configMap", "emptyDir", "projected", "secret", "downwardAPI", "persistentVolumeClaim"}:
            yield f"its volume {volume}"


def all_pods_are_restricted(site):
    """The policy of this cluster adds what a pod leaves out; so what was asked for is looked at, too."""
    (running,) = submit(site, sleeper(600))
    wait_until("it runs", site.running_pods)
    (job,), (pod,) = site.evaluations("jobs"), site.evaluations("pods")
    deployment = site.cluster.call("GET", f"/apis/apps/v1/namespaces/{NAMESPACE}/deployments/assay")
    for template in (job["spec"]["template"], deployment["spec"]["template"]):
        yield from not_restricted(template["spec"])
    for one in (pod, site.pod()):
        if one["metadata"]["annotations"].get("kubernetes.io/psp") != "restricted":
            yield f"{one['metadata']}"
    if "automountServiceAccountToken" not in pod["spec"] or pod["spec"]["automountServiceAccountToken"]:
        yield "an evaluation has an account's token"
    site.client().cancel(running)
    finish_all(site, [running])


def rules_of(site, namespace):
    """{(resource, verb)} that the account may do there, but for asking what it may do."""
    listed = site.kubectl("auth", "can-i", "--list", "--as", ACCOUNT, "-n", namespace, "--no-headers").stdout
    found = re.findall(r"(?m)^(\S+) +\[\] +\[\] +\[(.*)\]$", listed)
    return {(resource, verb) for resource, verbs in found for verb in verbs.split() if not resource.startswith("selfsubject")}


def granted():
    return {(resource, verb) for rule in manifests.role() for resource in rule["resources"] for verb in rule["verbs"]}


def its_account_may_do_nothing_else(site):
    named = {(resource if "/" in resource or resource != "jobs" else "jobs.batch", verb) for resource, verb in granted()}
    if (found := rules_of(site, EVALUATIONS)) != named:
        yield f"in {EVALUATIONS}: {found ^ named}"
    for namespace in (NAMESPACE, "default", "kube-system", kubernetes.NAMESPACE):
        yield from (f"in {namespace}: {rule}" for rule in rules_of(site, namespace) if rule != ("podsecuritypolicies.policy", "use"))
    for namespace, *what in (
        (EVALUATIONS, "get", "secrets"), (EVALUATIONS, "list", "secrets"), (EVALUATIONS, "create", "pods"), (EVALUATIONS, "create", "pods/exec"),
        (EVALUATIONS, "create", "rolebindings"), (EVALUATIONS, "update", "resourcequotas"), (EVALUATIONS, "delete", "networkpolicies"),
        (NAMESPACE, "get", "secrets"), (NAMESPACE, "list", "pods"), ("default", "create", "jobs"), ("default", "list", "pods"),
        ("default", "list", "nodes"), ("default", "list", "namespaces"),
    ):
        answer = site.kubectl("auth", "can-i", *what, "--as", ACCOUNT, "-n", namespace, check=False)
        if answer.stdout.strip() != "no":
            yield f"{what} in {namespace}: {answer.stdout}{answer.stderr}"


def a_drained_node_waits_for_what_runs(site):
    ids = submit(site, sleeper(10))
    (pod,) = wait_until("it runs", site.running_pods)
    status, said = site.evict(EVALUATIONS, pod["metadata"]["name"])
    if status != 429 or b"disruption budget" not in said:
        yield f"{status} {said}"
    yield from not_completed(finish_all(site, ids))


def not_completed(evaluations):
    for evaluation in evaluations:
        if evaluation["verdict"]["kind"] != "completed" or evaluation["stdout"]["text"] != "begun\nended\n" or evaluation["attempt"] != 1:
            yield f"{evaluation}"


def evict_daemon(site, pod):
    status, said = site.evict(NAMESPACE, pod["metadata"]["name"])
    return [] if status == 201 else [f"{status} {said}"]


def delete_daemon_at_once(site, pod):
    """SIGKILL, and the next pod may come before this one is gone."""
    site.kubectl("-n", NAMESPACE, "delete", "pod", pod["metadata"]["name"], "--grace-period=0", "--force")
    return []


def what_runs_outlives_the_pod_of_the_daemon(site):
    for replace in (evict_daemon, delete_daemon_at_once):
        before = site.pod()
        seconds = (30, 30, 30, 5, 5, 5, 1, 1, 1)  # more than there are slots for: some still wait
        ids = submit(site, *[sleeper(each) for each in seconds])
        wait_until("the first of them run", lambda: len(site.running_pods()) >= 3)
        yield from replace(site, before)
        wait_until("another pod is there", lambda: any(pod["metadata"]["uid"] != before["metadata"]["uid"] for pod in site.pods()))
        begun = time.monotonic()
        after = site.pod()
        print(f"# {replace.__name__}: ready again after {time.monotonic() - begun:.1f} s", flush=True)
        if after["metadata"]["uid"] == before["metadata"]["uid"]:
            yield f"{replace.__name__} left {before['metadata']['name']}"
        yield from not_completed(finish_all(site, ids))
        listed = site.client().request("GET", "/v1/evaluations?limit=100").json
        if missing := set(ids) - {each["id"] for each in listed["evaluations"]}:
            yield f"forgotten: {missing}"


def it_asks_for_what_it_may_and_for_nothing_else(site):
    log = [json.loads(line) for line in (site.cluster.directory / "audit.log").read_text().splitlines()]
    asked = [each for each in log if "objectRef" in each]
    for each in asked:
        if each.get("responseStatus", {}).get("code") == 403:
            yield f"refused: {each['verb']} {each['requestURI']}"
        if each["objectRef"].get("namespace") != EVALUATIONS:
            yield f"elsewhere: {each['verb']} {each['requestURI']}"
    used = {("/".join(filter(None, (each["objectRef"]["resource"], each["objectRef"].get("subresource")))), each["verb"]) for each in asked}
    if unused := granted() - used - SELDOM_USED:
        yield f"it may do what it never does: {unused}"
    made = [each["objectRef"]["name"] for each in asked if each["objectRef"]["resource"] == "jobs" and each["verb"] == "create"]
    print(f"# {len(asked)} requests for {len(made)} Jobs", flush=True)
    if len(made) != len(set(made)):
        yield f"Jobs were made more than once: {made}"


def nothing_is_left_over(site):
    def left():
        return [f"left over: {one['kind']} {one['metadata']['name']}" for one in site.evaluations("jobs", "pods", "secrets")]
    return traces.eventually(left, RECONCILED_SECONDS)


def prepare(cluster, options):
    cluster.load(kubernetes.KEEPER_IMAGE, docker.IMAGE, keeper=options.keeper)
    cluster.import_image(EXECUTOR_IMAGE, io.BytesIO(executor_image(options)), ["/usr/local/bin/assayd"])
    volume = cluster.directory / "volume"
    volume.mkdir(mode=0o755)
    cluster.make("/api/v1/persistentvolumes", {
        "metadata": {"name": "state"}, "spec": {
            "capacity": {"storage": "20Gi"}, "accessModes": ["ReadWriteOnce"], "local": {"path": str(volume)},
            "nodeAffinity": {"required": {"nodeSelectorTerms": [{
                "matchExpressions": [{"key": "kubernetes.io/hostname", "operator": "In", "values": [kubernetes.NODE]}],
            }]}},
        },
    })


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--assayd", required=True, type=Path)
    parser.add_argument("--keeper", required=True, type=Path)
    parser.add_argument("--cli", required=True, type=Path)
    options = parser.parse_args()
    if reason := kubernetes.why_not():
        tap.skip_all(reason)
    traces.adopt_orphans()
    report = tap.Tap()
    cluster = kubernetes.Cluster(api_options=API_OPTIONS)
    (cluster.directory / "audit.json").write_text(json.dumps(AUDIT))
    with cluster:
        prepare(cluster, options)
        site = Site(cluster, options)
        for rule in (
            every_object_is_accepted, the_chart_is_accepted_and_makes_the_same, assayd_runs_as_a_pod_and_evaluates,
            prometheus_is_let_in_with_the_token_of_its_secret, all_pods_are_restricted, its_account_may_do_nothing_else,
            a_drained_node_waits_for_what_runs, what_runs_outlives_the_pod_of_the_daemon, it_asks_for_what_it_may_and_for_nothing_else,
            nothing_is_left_over,
        ):
            begun = time.monotonic()
            report.run(rule.__name__.replace("_", " "), rule, site)
            report.note(f"{time.monotonic() - begun:.1f} s")
    sys.exit(report.done())


if __name__ == "__main__":
    main()
