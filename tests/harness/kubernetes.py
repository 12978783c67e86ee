"""A Kubernetes of the test's own, of one node: etcd, the control plane, kubelet and containerd in a cell (cell.py) with a network
of its own, in which whoever wants to reach it has to be: `Cluster.inside_network`.

    tests/harness/kubernetes.py [IMAGE…]     starts one by hand, and says how to get at it
"""

import base64
import contextlib
import hashlib
import http.client
import io
import json
import os
import ssl
import subprocess
import sys
import tarfile
import time
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
    __package__ = "harness"

from . import cell, docker, manifests

DIRECTORY = Path(__file__).resolve().parents[1] / "kubernetes"
PROGRAMS = ("containerd", "ctr", "runc", "openssl", "ip", "gcc", "dpkg-source")
CLONE_NEWNET = 0x40000000

# On a machine with much else to do; ten seconds where it has nothing.
START_SECONDS = 240

# Pods find the API server at a Service's address and port. It has both itself, so that no proxy is needed.
PORT, ETCD_PORT, KUBELET_PORT = 443, 2379, 10250
SERVER = f"https://127.0.0.1:{PORT}"
SERVICES, SERVER_ADDRESS = "10.96.0.0/16", "10.96.0.1"
NODE, NODE_ADDRESS, PODS = "node1", "10.200.0.1", "10.200.0.0/22"
NAMESPACE = "evaluations"
PAUSE_IMAGE, KEEPER_IMAGE = "local/pause:1", "local/assay-keeper:1"

# Kubelet, containerd and the network's plugins write to places that no option changes.
PREPARE = "mount -t tmpfs tmpfs /var/lib && mount -t tmpfs tmpfs /var/log && mkdir -p /var/lib/cni && ip link set lo up || exit\n"

# What the daemon may do, and nothing else.
RULES = manifests.role()

Failure = cell.Failure


def why_not():
    """Why there can be no cluster here, or None."""
    return cell.why_not(PROGRAMS)


class Cluster(cell.Cell):
    """`kubelet`: False for a control plane alone, whose pods the test plays. `api_options`: more for the API server; the cluster's own
    directory is {directory} in them."""

    def __init__(self, *, kubelet=True, api_options=()):
        super().__init__("assay-kubernetes-", PREPARE, network=True)
        built = subprocess.run([DIRECTORY / "build"], check=True, stdout=subprocess.PIPE, text=True).stdout.strip()
        self.programs, self.root = Path(built, "bin"), Path(built, "root/usr")
        self.has_kubelet = kubelet
        self.pki = self.directory / "pki"
        self.containerd_socket = self.directory / "containerd.sock"
        self.runner_config = self.directory / "runner.yaml"  # of a service account with RULES
        self.admin_config = self.directory / "admin.yaml"
        self._define_processes([option.format(directory=self.directory) for option in api_options])

    def _define_processes(self, api_options):
        pki, directory = self.pki, self.directory

        def process(name, *arguments):
            return cell.Process(self, name, *arguments)

        self.etcd = process(
            self.root / "bin/etcd", "--data-dir", directory / "etcd", f"--listen-client-urls=http://127.0.0.1:{ETCD_PORT}",
            f"--advertise-client-urls=http://127.0.0.1:{ETCD_PORT}", f"--listen-peer-urls=http://127.0.0.1:{ETCD_PORT + 1}",
            f"--initial-advertise-peer-urls=http://127.0.0.1:{ETCD_PORT + 1}", f"--initial-cluster=default=http://127.0.0.1:{ETCD_PORT + 1}",
        )
        self.apiserver = process(
            self.programs / "kube-apiserver", f"--etcd-servers=http://127.0.0.1:{ETCD_PORT}", "--bind-address=0.0.0.0", f"--secure-port={PORT}",
            f"--advertise-address={NODE_ADDRESS}", f"--tls-cert-file={pki}/apiserver.crt", f"--tls-private-key-file={pki}/apiserver.key",
            f"--client-ca-file={pki}/ca.crt", "--service-account-issuer=https://kubernetes.default.svc",
            f"--service-account-signing-key-file={pki}/accounts.key", f"--service-account-key-file={pki}/accounts.pub",
            "--authorization-mode=Node,RBAC", "--enable-admission-plugins=NodeRestriction", f"--service-cluster-ip-range={SERVICES}",
            f"--kubelet-client-certificate={pki}/admin.crt", f"--kubelet-client-key={pki}/admin.key",
            f"--kubelet-certificate-authority={pki}/ca.crt", "--kubelet-preferred-address-types=InternalIP", "--profiling=false", *api_options,
        )
        self.controllers = process(
            self.programs / "kube-controller-manager", f"--kubeconfig={directory}/controllers.yaml", "--bind-address=127.0.0.1", "--port=0",
            "--leader-elect=false", "--use-service-account-credentials=true", f"--service-account-private-key-file={pki}/accounts.key",
            f"--root-ca-file={pki}/ca.crt", "--kube-api-qps=200", "--kube-api-burst=400", "--profiling=false",
        )
        self.scheduler = process(
            self.programs / "kube-scheduler", f"--kubeconfig={directory}/scheduler.yaml", "--bind-address=127.0.0.1", "--port=0",
            "--leader-elect=false", "--kube-api-qps=200", "--kube-api-burst=400", "--profiling=false",
        )
        self.containerd = process("containerd", "--config", directory / "containerd.toml")
        self.kubelet = process(
            self.programs / "kubelet", f"--config={directory}/kubelet.yaml", f"--kubeconfig={directory}/node.yaml", f"--root-dir={directory}/kubelet",
            f"--hostname-override={NODE}", f"--node-ip={NODE_ADDRESS}", "--container-runtime=remote",
            f"--container-runtime-endpoint=unix://{self.containerd_socket}", f"--image-service-endpoint=unix://{self.containerd_socket}",
            f"--cert-dir={pki}/kubelet", "--v=1",
        )
        node = (self.kubelet, self.containerd) if self.has_kubelet else ()
        self.daemons = (*node, self.scheduler, self.controllers, self.apiserver, self.etcd)

    def start(self):
        self.pki.mkdir(mode=0o700)
        self._make_certificates()
        self.make_namespaces()
        self._inside("ip", "link", "add", "pods", "type", "bridge")
        self._inside("ip", "address", "add", f"{NODE_ADDRESS}/{PODS.partition('/')[2]}", "dev", "pods")
        self._inside("ip", "address", "add", f"{SERVER_ADDRESS}/32", "dev", "lo")
        self._inside("ip", "link", "set", "pods", "up")
        self.etcd.start()
        self.apiserver.start()
        self.wait_for("answer of the API server", self.is_ready)
        self.controllers.start()
        self.scheduler.start()
        if self.has_kubelet:
            self._start_node()
        self._make_runner()

    def wait_for(self, what, condition, seconds=START_SECONDS):
        super().wait_for(what, condition, seconds)

    def is_ready(self):
        try:
            return self.request("GET", "/readyz", timeout=5)[0] == 200
        except OSError:
            return False

    # Certificates.

    def _make_certificates(self):
        def key(name):
            self._openssl("ecparam", "-genkey", "-name", "prime256v1", "-noout", "-out", f"{name}.key")

        def certificate(name, subject, extension):
            key(name)
            (self.pki / "extension").write_text(extension)
            self._openssl("req", "-new", "-key", f"{name}.key", "-subj", subject, "-out", "request")
            self._openssl(
                "x509", "-req", "-in", "request", "-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial", "-days", "30", "-sha256",
                "-extfile", "extension", "-out", f"{name}.crt",
            )

        key("ca")
        self._openssl(
            "req", "-x509", "-new", "-key", "ca.key", "-subj", "/CN=test-ca", "-days", "30", "-sha256", "-out", "ca.crt",
            "-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign,cRLSign,digitalSignature",
        )
        names = f"IP:127.0.0.1,IP:{NODE_ADDRESS},IP:{SERVER_ADDRESS},DNS:localhost,DNS:kubernetes.default.svc"
        certificate("apiserver", "/CN=kube-apiserver", f"extendedKeyUsage=serverAuth\nsubjectAltName={names}")
        certificate("kubelet", f"/CN={NODE}", f"extendedKeyUsage=serverAuth\nsubjectAltName=IP:{NODE_ADDRESS},DNS:{NODE}")
        for name, subject in {
            "admin": "/O=system:masters/CN=admin", "controllers": "/CN=system:kube-controller-manager", "scheduler": "/CN=system:kube-scheduler",
            "node": f"/O=system:nodes/CN=system:node:{NODE}",
        }.items():
            certificate(name, subject, "extendedKeyUsage=clientAuth")
            user = {"client-certificate-data": self._encoded(f"{name}.crt"), "client-key-data": self._encoded(f"{name}.key")}
            self._write_config(self.directory / f"{name}.yaml", user, "default")
        self._openssl("genrsa", "-out", "accounts.key", "2048")
        self._openssl("rsa", "-in", "accounts.key", "-pubout", "-out", "accounts.pub")

    def _openssl(self, *arguments):
        subprocess.run(["openssl", *arguments], check=True, cwd=self.pki, capture_output=True)

    def _encoded(self, name):
        return base64.b64encode((self.pki / name).read_bytes()).decode()

    def _write_config(self, path, user, namespace):
        """JSON is YAML."""
        path.write_text(json.dumps({
            "apiVersion": "v1", "kind": "Config", "current-context": "test",
            "clusters": [{"name": "test", "cluster": {"server": SERVER, "certificate-authority-data": self._encoded("ca.crt")}}],
            "users": [{"name": "test", "user": user}],
            "contexts": [{"name": "test", "context": {"cluster": "test", "user": "test", "namespace": namespace}}],
        }))
        path.chmod(0o600)

    # The node.

    def _start_node(self):
        directory = self.directory
        (directory / "network").mkdir()
        (directory / "network/10-pods.conflist").write_text(json.dumps({
            "cniVersion": "0.4.0", "name": "pods", "plugins": [{
                "type": "bridge", "bridge": "pods", "isGateway": True, "ipMasq": False, "hairpinMode": True, "ipam": {
                    "type": "host-local", "dataDir": f"{directory}/addresses", "routes": [{"dst": "0.0.0.0/0"}],
                    "ranges": [[{"subnet": PODS, "gateway": NODE_ADDRESS, "rangeStart": "10.200.0.10"}]],
                }}],
        }))
        (directory / "containerd.toml").write_text(f"""
version = 2
root = "{directory}/containerd/root"
state = "{directory}/containerd/state"
[grpc]
  address = "{self.containerd_socket}"
[plugins."io.containerd.internal.v1.opt"]
  path = "{directory}/containerd/opt"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "{PAUSE_IMAGE}"
  stream_server_address = "127.0.0.1"
  disable_apparmor = true
  restrict_oom_score_adj = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "{self.root}/lib/cni"
    conf_dir = "{directory}/network"
""")
        self.containerd.start()
        self.wait_for("answer of containerd", lambda: self.ctr("version", check=False).returncode == 0)
        self.load(PAUSE_IMAGE)
        self._make_cgroup()
        (directory / "kubelet.yaml").write_text(json.dumps({
            "apiVersion": "kubelet.config.k8s.io/v1beta1", "kind": "KubeletConfiguration", "address": NODE_ADDRESS, "port": KUBELET_PORT,
            "readOnlyPort": 0, "healthzPort": 0, "tlsCertFile": f"{self.pki}/kubelet.crt", "tlsPrivateKeyFile": f"{self.pki}/kubelet.key",
            "authentication": {"anonymous": {"enabled": False}, "webhook": {"enabled": False}, "x509": {"clientCAFile": f"{self.pki}/ca.crt"}},
            "authorization": {"mode": "AlwaysAllow"}, "cgroupDriver": "cgroupfs", "cgroupsPerQOS": True, "enforceNodeAllocatable": ["pods"],
            "cgroupRoot": f"/{self.cgroup}", "failSwapOn": False, "makeIPTablesUtilChains": False,
            "evictionHard": {"memory.available": "100Mi"}, "imageGCHighThresholdPercent": 100, "imageGCLowThresholdPercent": 99,
            "kubeAPIQPS": 100, "kubeAPIBurst": 200, "eventRecordQPS": 0, "registryPullQPS": 0, "serializeImagePulls": False, "maxPods": 250,
            "podPidsLimit": -1, "featureGates": {"SizeMemoryBackedVolumes": True}, "nodeStatusUpdateFrequency": "4s", "volumePluginDir": f"{directory}/kubelet/plugins",
        }))
        self.kubelet.start()
        self.wait_for("ready node", self._node_is_ready)

    def _make_cgroup(self):
        """Version 1: what a new cpuset may use is nothing."""
        for root in (root for root in Path("/sys/fs/cgroup").iterdir() if (root / "cgroup.procs").exists()):
            (root / self.cgroup).mkdir(exist_ok=True)
            for name in ("cpuset.cpus", "cpuset.mems"):
                if (root / name).exists():
                    (root / self.cgroup / name).write_text((root / name).read_text())

    def _node_is_ready(self):
        status, body = self.request("GET", f"/api/v1/nodes/{NODE}")
        conditions = json.loads(body)["status"]["conditions"] if status == 200 else []
        return any(condition["type"] == "Ready" and condition["status"] == "True" for condition in conditions)

    # Who uses it.

    def _make_runner(self):
        self.make("/api/v1/namespaces", {"metadata": {"name": NAMESPACE}})
        space = f"/api/v1/namespaces/{NAMESPACE}"
        access = f"/apis/rbac.authorization.k8s.io/v1/namespaces/{NAMESPACE}"
        self.make(f"{space}/serviceaccounts", {"metadata": {"name": "assay"}})
        self.allow(RULES)
        self.make(f"{access}/rolebindings", {
            "metadata": {"name": "assay"}, "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "assay"},
            "subjects": [{"kind": "ServiceAccount", "name": "assay", "namespace": NAMESPACE}],
        })
        self.wait_for("default account", lambda: self.request("GET", f"{space}/serviceaccounts/default")[0] == 200)
        self._write_config(self.runner_config, {"token": self.make_token("assay-token")}, NAMESPACE)

    def make_token(self, name):
        """Of the daemon's account, good for as long as there is a Secret of this name."""
        secrets = f"/api/v1/namespaces/{NAMESPACE}/secrets"
        annotations = {"kubernetes.io/service-account.name": "assay"}
        self.make(secrets, {"metadata": {"name": name, "annotations": annotations}, "type": "kubernetes.io/service-account-token"})
        self.wait_for("token", lambda: "token" in self.call("GET", f"{secrets}/{name}").get("data", {}))
        return base64.b64decode(self.call("GET", f"{secrets}/{name}")["data"]["token"]).decode()

    def revoke_token(self, name):
        self.call("DELETE", f"/api/v1/namespaces/{NAMESPACE}/secrets/{name}")

    def allow(self, rules):
        """These rules, and no others, hold for the daemon's account from now on."""
        roles = f"/apis/rbac.authorization.k8s.io/v1/namespaces/{NAMESPACE}/roles"
        role = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": {"name": "assay"}, "rules": rules}
        if self.request("PUT", f"{roles}/assay", role)[0] == 404:
            self.make(roles, role)

    def config_through(self, port):
        """A kubeconfig of the daemon's account that goes to this port in the place of the API server's."""
        path = self.directory / f"runner-{port}.yaml"
        path.write_text(self.runner_config.read_text().replace(SERVER, SERVER.replace(str(PORT), str(port))))
        path.chmod(0o600)
        return path

    def config_of(self, name, user):
        """A kubeconfig of this name, with this user."""
        path = self.directory / f"{name}.yaml"
        self._write_config(path, user, NAMESPACE)
        return path

    def daemon_options(self, image=docker.IMAGE, config=None):
        """Of a daemon that uses this cluster; it has to be started with `into_network()`."""
        options = ["--backend", "kubernetes", "--kubernetes-config", str(config or self.runner_config), "--kubernetes-keeper-image", KEEPER_IMAGE]
        return [*options, *(["--kubernetes-image", image] if image else [])]

    def into_network(self):
        """What stands before a command that is to reach the cluster."""
        return ["nsenter", f"--net=/proc/{self.first_process}/ns/net", "--"]

    # Asking it.

    @contextlib.contextmanager
    def inside_network(self):
        """This thread is in the cluster's network meanwhile; a socket that it makes stays there."""
        own = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        try:
            cell.enter_namespace(f"/proc/{self.first_process}/ns/net", CLONE_NEWNET)
            yield
        finally:
            cell.enter_namespace(f"/proc/self/fd/{own}", CLONE_NEWNET)
            os.close(own)

    def request(self, method, path, body=None, timeout=60):
        """As an administrator. The status and the bytes of the answer."""
        context = ssl.create_default_context(cafile=self.pki / "ca.crt")
        context.load_cert_chain(self.pki / "admin.crt", self.pki / "admin.key")
        connection = http.client.HTTPSConnection("127.0.0.1", PORT, timeout=timeout, context=context)
        kind = "application/merge-patch+json" if method == "PATCH" else "application/json"
        try:
            with self.inside_network():
                connection.connect()
            connection.request(method, path, json.dumps(body) if body is not None else None, {"Content-Type": kind})
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def call(self, method, path, body=None):
        """As `request`, for what must succeed. The JSON of the answer."""
        status, answer = self.request(method, path, body)
        if status >= 400:
            raise Failure(f"{method} {path}: {status} {answer[:1000]!r}")
        return json.loads(answer)

    def make(self, path, body):
        return self.call("POST", path, body)

    def objects(self, *kinds, namespace=NAMESPACE):
        """All of these kinds: "jobs", "pods", "secrets" (those of accounts left out), …"""
        paths = {"jobs": "/apis/batch/v1"}
        return [
            one | {"kind": kind} for kind in kinds
            for one in self.call("GET", f"{paths.get(kind, '/api/v1')}/namespaces/{namespace}/{kind}")["items"]
            if one.get("type") != "kubernetes.io/service-account-token"
        ]

    def left_over(self):
        """What a daemon should have removed, as lines."""
        return [f"left over: {one['kind']} {one['metadata']['name']}" for one in self.objects("jobs", "pods", "secrets")]

    def _inside(self, *command):
        subprocess.run([*self.into_network(), *command], check=True)

    # Images.

    def ctr(self, *arguments, check=True):
        return subprocess.run(["ctr", "--address", self.containerd_socket, "--namespace", "k8s.io", *arguments], check=check, capture_output=True)

    def load(self, *names, keeper=None):
        """Makes these images available: PAUSE_IMAGE, KEEPER_IMAGE (of the static `keeper`), or those that docker.py has."""
        for name in names:
            if name == PAUSE_IMAGE:
                self.import_image(name, io.BytesIO(image_of({"pause": self._compile_pause()})), ["/pause"])
            elif name == KEEPER_IMAGE:
                self.import_image(name, io.BytesIO(image_of({"assay-keeper": Path(keeper).read_bytes()})))
            elif name == docker.SMALL_IMAGE:
                self.import_image(name, io.BytesIO(docker.small_image()))
            else:
                with open(docker.image_file(name), "rb") as root:
                    self.import_image(name, root)

    def _compile_pause(self):
        program = self.directory / "pause"
        subprocess.run(["gcc", "-Os", "-static", "-s", "-o", program, DIRECTORY / "pause.c"], check=True)
        return program.read_bytes()

    def import_image(self, name, root, entrypoint=None):
        """`root`: an open file, the tar of a root file system."""
        archive = self.directory / "image.tar"
        write_image_archive(archive, name, root, entrypoint)
        imported = self.ctr("images", "import", archive, check=False)
        archive.unlink()
        if imported.returncode:
            raise Failure(f"the image {name} could not be imported: {imported.stderr}")


def image_of(programs):
    """A root file system with these programs in its root, as a tar: {name: bytes}."""
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        for name, content in programs.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(content), 0o755
            tar.addfile(entry, io.BytesIO(content))
    return archive.getvalue()


def write_image_archive(path, name, root, entrypoint):
    """An image of one layer, as `docker save` writes them."""
    digest = hashlib.sha256()
    while block := root.read(1 << 20):
        digest.update(block)
    size = root.tell()
    root.seek(0)
    config = json.dumps({
        "architecture": {"x86_64": "amd64", "aarch64": "arm64"}[os.uname().machine], "os": "linux", "created": "1970-01-01T00:00:00Z",
        "config": {"Env": ["PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"], "Entrypoint": entrypoint, "WorkingDir": "/"},
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{digest.hexdigest()}"]},
    }).encode()
    config_name, layer_name = f"{hashlib.sha256(config).hexdigest()}.json", f"{digest.hexdigest()}/layer.tar"
    manifest = json.dumps([{"Config": config_name, "RepoTags": [name], "Layers": [layer_name]}]).encode()
    with tarfile.open(path, "w") as tar:
        for entry_name, length, content in (
            ("manifest.json", len(manifest), io.BytesIO(manifest)), (config_name, len(config), io.BytesIO(config)), (layer_name, size, root),
        ):
            entry = tarfile.TarInfo(entry_name)
            entry.size = length
            tar.addfile(entry, content)


def main():
    if reason := why_not():
        sys.exit(reason)
    begun = time.monotonic()
    with Cluster() as cluster:
        cluster.load(*sys.argv[1:])
        enter = f"nsenter --net=/proc/{cluster.first_process}/ns/net"
        print(f"ready after {time.monotonic() - begun:.1f} s; until interrupted:")
        print(f"{enter} {cluster.programs}/kubectl --kubeconfig {cluster.admin_config} -n {NAMESPACE} get jobs,pods")
        print(f"the daemon's: {cluster.runner_config}", flush=True)
        with contextlib.suppress(KeyboardInterrupt):
            while True:
                time.sleep(3600)


if __name__ == "__main__":
    main()
