"""A Docker Engine of the test's own: Debian's dockerd and containerd in a directory, and in mount and process namespaces, of
their own. Nothing of the host's configuration is read, and all of it is gone when the test is, however the test ends.

Process 1 of these namespaces dies with the test, and with it every daemon, shim, container and mount in them.
"""

import contextlib
import ctypes
import hashlib
import io
import json
import os
import shutil
import signal
import subprocess
import tarfile
import tempfile
import time
from pathlib import Path

from . import client, traces

START_SECONDS = 60
STOP_SECONDS = 30
CLONE_NEWPID = 0x20000000
PROGRAMS = ("dockerd", "containerd", "runc", "docker-init", "unshare", "nsenter", "setpriv")
VM_DIRECTORY = Path(__file__).resolve().parents[1] / "vm"

# What images of these names have beside a shell, its usual tools and Python.
IMAGE = "local/python:3.11"
COMPILERS_IMAGE = "local/compilers:12"
PACKAGES = {IMAGE: (), COMPILERS_IMAGE: ("gcc", "g++", "libc6-dev", "nodejs")}
# One of a few megabytes: these programs and their libraries.
SMALL_IMAGE = "local/small:1"
SMALL_PROGRAMS = ("sh", "cat", "echo", "head", "sleep", "true", "yes")

# The daemons make files in /run and /etc/docker whatever they are told.
FIRST_PROCESS = """
mkdir -p /etc/docker && mount -t proc proc /proc && mount -t tmpfs tmpfs /run && mount -t tmpfs tmpfs /etc/docker || exit
echo ready
exec docker-init -- sleep infinity
"""


class Failure(Exception):
    pass


def why_not():
    """Why there can be no engine here, or None."""
    if os.getuid() != 0:
        return "needs root, to start a Docker Engine of its own"
    path = os.environ["PATH"] + ":/usr/sbin:/sbin"
    if missing := [program for program in PROGRAMS if not shutil.which(program, path=path)]:
        return f"needs {', '.join(missing)}"
    allowed = subprocess.run(["unshare", "--mount", "--pid", "--fork", "mount", "-t", "tmpfs", "tmpfs", "/run"], capture_output=True, text=True)
    return f"cannot mount here: {allowed.stderr.strip()}" if allowed.returncode else None


class Process:
    """One of the engine's daemons, started and killed as often as the test likes."""

    def __init__(self, engine, name, *arguments):
        self.engine = engine
        self.command = [name, *map(str, arguments)]
        self.log_path = engine.directory / f"{name}.log"
        self.process = None

    def start(self):
        with open(self.log_path, "ab") as log, _children_born_in(self.engine.first_process):
            self.process = subprocess.Popen(
                ["nsenter", f"--mount=/proc/{self.engine.first_process}/ns/mnt", "--", *self.command],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}, cwd="/",
            )

    def signal(self, number):
        self.process.send_signal(number)

    def kill(self):
        """SIGKILL, as a crash does."""
        self.signal(signal.SIGKILL)
        self.process.wait()

    def terminate(self):
        """SIGTERM, as an operator does."""
        self.process.terminate()
        self.process.wait(STOP_SECONDS)

    def pause(self):
        self.signal(signal.SIGSTOP)

    def resume(self):
        self.signal(signal.SIGCONT)

    def log(self, last=4000):
        return self.log_path.read_bytes()[-last:].decode(errors="replace") if self.log_path.exists() else ""


class Engine:
    """`live_restore`: containers survive dockerd. `mounts`: arguments for mount(8), done first, for this engine only; its own
    directory is {directory} in them."""

    def __init__(self, *, live_restore=False, mounts=(), options=()):
        self.directory = Path(tempfile.mkdtemp(prefix="assay-docker-"))
        self.socket = self.directory / "docker.sock"
        self.host = f"unix://{self.socket}"
        self.cgroup = self.directory.name
        self.first_process = None
        self.unshare = None
        self.mounts = mounts
        containerd_socket = self.directory / "containerd.sock"
        (self.directory / "daemon.json").write_text("{}")
        self.containerd = Process(
            self, "containerd", "--root", self.directory / "containerd", "--state", self.directory / "containerd-state",
            "--address", containerd_socket, "--config", "/dev/null",
        )
        self.dockerd = Process(
            self, "dockerd", "--data-root", self.directory / "data", "--exec-root", self.directory / "exec", "--host", self.host,
            "--containerd", containerd_socket, "--pidfile", self.directory / "docker.pid", "--config-file", self.directory / "daemon.json",
            "--bridge=none", "--iptables=false", "--ip6tables=false", "--ip-forward=false", "--ip-masq=false", "--userland-proxy=false",
            "--exec-opt", "native.cgroupdriver=cgroupfs", "--cgroup-parent", f"/{self.cgroup}",
            f"--live-restore={str(live_restore).lower()}", *options,
        )

    def __enter__(self):
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_):
        self.stop()

    def start(self):
        (self.directory / "data").mkdir()
        mounts = "".join(f"mount {mount.format(directory=self.directory)} || exit\n" for mount in self.mounts)
        self.unshare = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", "unshare", "--mount", "--pid", "--fork", "--kill-child=KILL", "sh", "-c", mounts + FIRST_PROCESS],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd="/",
        )
        if (said := self.unshare.stdout.readline()) != "ready\n":
            raise Failure(f"the engine's namespaces could not be made: {said}")
        self.first_process = next(iter(traces.children(self.unshare.pid)))
        self.containerd.start()
        self.wait_for("containerd.sock", (self.directory / "containerd.sock").exists)
        self.dockerd.start()
        self.wait_until_ready()

    def stop(self):
        """Without ceremony: nothing of it is needed any more."""
        if self.unshare is not None:
            self._thaw()
            if self.first_process is not None:
                os.kill(self.first_process, signal.SIGKILL)
            # The first process of a namespace is not gone before all others have been waited for (pid_namespaces(7)).
            for process in filter(None, (self.dockerd.process, self.containerd.process, self.unshare)):
                process.wait(STOP_SECONDS)
            self.unshare.stdout.close()
        traces.eventually(self._remove_cgroups)
        shutil.rmtree(self.directory, ignore_errors=True)

    def _cgroups(self):
        """All cgroups of this engine, in every hierarchy, the lower ones first."""
        roots = [*Path("/sys/fs/cgroup").glob(self.cgroup), *Path("/sys/fs/cgroup").glob(f"*/{self.cgroup}")]
        return [Path(directory) for root in roots for directory, _, _ in os.walk(root, topdown=False)]

    def _thaw(self):
        """In cgroup v1 not even SIGKILL ends what is frozen."""
        for cgroup in self._cgroups():
            if (cgroup / "freezer.state").exists():
                (cgroup / "freezer.state").write_text("THAWED")

    def _remove_cgroups(self):
        for cgroup in self._cgroups():
            with contextlib.suppress(OSError):
                cgroup.rmdir()
        return self._cgroups()

    def processes(self):
        """The process ids of the engine itself, without its shims and containers."""
        sleeping = [pid for pid, name in traces.children(self.first_process).items() if name == "sleep"]
        return {self.unshare.pid, self.first_process, *sleeping, self.containerd.process.pid, self.dockerd.process.pid}

    def wait_for(self, what, condition, seconds=START_SECONDS):
        deadline = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > deadline or self.dockerd.process and self.dockerd.process.poll() is not None:
                raise Failure(f"no {what} within {seconds} s:\n{self.containerd.log(2000)}\n{self.dockerd.log()}")
            time.sleep(0.02)

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

    def inside(self, path):
        """The path by which the host sees a file of the engine's own mounts."""
        return Path(f"/proc/{self.first_process}/root{path}")

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
    made_of = (VM_DIRECTORY / "make-root").read_bytes() + Path("/var/lib/dpkg/status").read_bytes()
    kind = name.replace("/", "-").replace(":", "-")
    archive = cache / f"image-{kind}-{hashlib.md5(made_of).hexdigest()[:16]}.tar"
    if not archive.exists():
        for old in cache.glob(f"image-{kind}-*.tar"):
            old.unlink()
        with tempfile.TemporaryDirectory(dir=cache) as directory:
            root = Path(directory, "root")
            root.mkdir(mode=0o755)
            subprocess.run([VM_DIRECTORY / "make-root", root, *PACKAGES[name]], check=True, stdout=subprocess.DEVNULL)
            subprocess.run(["tar", "-C", root, "-cf", f"{directory}/tar", "."], check=True)
            os.rename(f"{directory}/tar", archive)
    return archive


@contextlib.contextmanager
def _children_born_in(pid):
    """What this thread starts meanwhile is in the process namespace of `pid` (setns(2), CLONE_NEWPID)."""
    libc = ctypes.CDLL(None, use_errno=True)

    def enter(namespace):
        descriptor = os.open(namespace, os.O_RDONLY | os.O_CLOEXEC)
        try:
            if libc.setns(descriptor, CLONE_NEWPID) != 0:
                raise OSError(ctypes.get_errno(), f"setns({namespace})")
        finally:
            os.close(descriptor)

    enter(f"/proc/{pid}/ns/pid")
    try:
        yield
    finally:
        enter("/proc/self/ns/pid")


if __name__ == "__main__":
    print(image_file(IMAGE))
