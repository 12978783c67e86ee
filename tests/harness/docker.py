"""A Docker Engine of the test's own: Debian's dockerd and containerd in a cell (cell.py). Nothing of the host's configuration is
read.
"""

import hashlib
import io
import json
import os
import subprocess
import tarfile
import tempfile
from pathlib import Path

from . import cell, client

PROGRAMS = ("dockerd", "containerd", "runc")
VM_DIRECTORY = Path(__file__).resolve().parents[1] / "vm"

# What images of these names have beside a shell, its usual tools and Python.
IMAGE = "local/python:3.11"
COMPILERS_IMAGE = "local/compilers:12"
PACKAGES = {IMAGE: (), COMPILERS_IMAGE: ("gcc", "g++", "libc6-dev", "nodejs")}
# One of a few megabytes: these programs and their libraries.
SMALL_IMAGE = "local/small:1"
SMALL_PROGRAMS = ("sh", "cat", "echo", "head", "sleep", "true", "yes")

# The daemons make files in /etc/docker whatever they are told.
PREPARE = "mkdir -p /etc/docker && mount -t tmpfs tmpfs /etc/docker || exit\n"

Failure = cell.Failure


def why_not():
    """Why there can be no engine here, or None."""
    return cell.why_not(PROGRAMS)


class Engine(cell.Cell):
    """`live_restore`: containers survive dockerd. `mounts`: arguments for mount(8), done first, for this engine only; its own
    directory is {directory} in them."""

    def __init__(self, *, live_restore=False, mounts=(), options=()):
        super().__init__("assay-docker-")
        self.prepare = "".join(f"mount {mount.format(directory=self.directory)} || exit\n" for mount in mounts) + PREPARE
        self.socket = self.directory / "docker.sock"
        self.host = f"unix://{self.socket}"
        containerd_socket = self.directory / "containerd.sock"
        (self.directory / "daemon.json").write_text("{}")
        self.containerd = cell.Process(
            self, "containerd", "--root", self.directory / "containerd", "--state", self.directory / "containerd-state",
            "--address", containerd_socket, "--config", "/dev/null",
        )
        self.dockerd = cell.Process(
            self, "dockerd", "--data-root", self.directory / "data", "--exec-root", self.directory / "exec", "--host", self.host,
            "--containerd", containerd_socket, "--pidfile", self.directory / "docker.pid", "--config-file", self.directory / "daemon.json",
            "--bridge=none", "--iptables=false", "--ip6tables=false", "--ip-forward=false", "--ip-masq=false", "--userland-proxy=false",
            "--exec-opt", "native.cgroupdriver=cgroupfs", "--cgroup-parent", f"/{self.cgroup}",
            f"--live-restore={str(live_restore).lower()}", *options,
        )
        self.daemons = (self.dockerd, self.containerd)

    def start(self):
        (self.directory / "data").mkdir()
        self.make_namespaces()
        self.containerd.start()
        self.wait_for("containerd.sock", (self.directory / "containerd.sock").exists)
        self.dockerd.start()
        self.wait_until_ready()

    def wait_until_ready(self):
        self.wait_for("answer of dockerd", self.is_ready)

    def is_ready(self):
        try:
            return self.request("GET", "/_ping", timeout=5).status == 200
        except OSError:
            return False

    def restart(self):
        """Starts dockerd again after it was killed."""
        self.dockerd.start()
        self.wait_until_ready()

    def request(self, method, path, body=None, headers=None, timeout=60):
        connection = client.Client(f"unix:{self.socket}", timeout)
        try:
            return connection.request(method, path, body, headers)
        finally:
            connection.close()

    def call(self, method, path, body=None, headers=None):
        """As `request`, for what must succeed. The JSON of the answer, or None."""
        answer = self.request(method, path, body, headers)
        if answer.status >= 400:
            raise Failure(f"{method} {path}: {answer}")
        return answer.json if answer.headers.get_content_type() == "application/json" and answer.body else None

    def containers(self, label=None):
        """All containers, running or not, as the list of the API has them."""
        filters = f"&filters={json.dumps({'label': [label]})}".replace(" ", "").replace('"', "%22") if label else ""
        return self.call("GET", f"/containers/json?all=1{filters}")

    def noted_as_running(self):
        """How many containers dockerd will take to be running when it is started again."""
        notes = (self.directory / "data" / "containers").glob("*/config.v2.json")
        return sum(json.loads(note.read_text())["State"]["Running"] for note in notes)

    def load(self, *names):
        """Makes these of the images named above available."""
        for name in names:
            if name == SMALL_IMAGE:
                self.import_image(name, small_image())
            else:
                with open(image_file(name), "rb") as archive:
                    self.import_image(name, archive)

    def import_image(self, name, archive):
        """`archive`: bytes or an open file, the tar of a root file system."""
        repository, _, tag = name.rpartition(":")
        path = f"/images/create?fromSrc=-&repo={repository}&tag={tag}"
        answer = self.request("POST", path, archive, {"Content-Type": "application/x-tar"}, timeout=300)
        if answer.status != 200 or b'"error"' in answer.body:
            raise Failure(f"the image {name} could not be imported: {answer}")


def small_image(filling_bytes=0):
    """The root file system of SMALL_IMAGE, as a tar; with a file of so many bytes that cannot be compressed."""
    programs = [Path("/bin", program) for program in SMALL_PROGRAMS]
    needed = subprocess.run(["ldd", *programs], check=True, capture_output=True, text=True).stdout
    libraries = {Path(word) for word in needed.split() if word.startswith("/") and not word.endswith(":")}
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        for path in sorted({*programs, *libraries}):
            tar.add(path.resolve(), path.relative_to("/"))
        filling = tarfile.TarInfo("filling")
        filling.size = filling_bytes
        tar.addfile(filling, io.BytesIO(os.urandom(filling_bytes)))
    return archive.getvalue()


def image_file(name):
    """The root file system of an image, as a tar. Made of the packages of this host, and kept until those change."""
    cache = Path(subprocess.run([VM_DIRECTORY / "cache-directory"], check=True, capture_output=True, text=True).stdout.strip())
    pack = ["tar", "--exclude=./var/lib/dpkg"]  # what the package manager knows is no business of a program's
    made_of = repr(pack).encode() + (VM_DIRECTORY / "make-root").read_bytes() + Path("/var/lib/dpkg/status").read_bytes()
    kind = name.replace("/", "-").replace(":", "-")
    archive = cache / f"image-{kind}-{hashlib.md5(made_of).hexdigest()[:16]}.tar"
    if not archive.exists():
        for old in cache.glob(f"image-{kind}-*.tar"):
            old.unlink()
        with tempfile.TemporaryDirectory(dir=cache) as directory:
            root = Path(directory, "root")
            root.mkdir(mode=0o755)
            subprocess.run([VM_DIRECTORY / "make-root", root, *PACKAGES[name]], check=True, stdout=subprocess.DEVNULL)
            subprocess.run([*pack, "-C", root, "-cf", f"{directory}/tar", "."], check=True)
            os.rename(f"{directory}/tar", archive)
    return archive


if __name__ == "__main__":
    print(image_file(IMAGE))
