"""A container as Docker makes it, without Docker: namespaces, a read-only root, a few capabilities, limits in cgroups.

Process 1 is what is executed in it. Everything is gone when it ends. Only root can make one.

How one can be worse than it ought to be, as a set of words: "net", "uts", "ipc", "cgroup" (this namespace is the host's),
"writable" (the root), "volume" (a file system without a limit, as an image can ask for).

A pod's container (wire/pod.h) is one whose first process is an ordinary user's, without any rights, and whose directories are
other ones.
"""

import ctypes
import fcntl
import os
import shutil
import signal
import socket
import struct
import time
from pathlib import Path
from typing import NamedTuple

libc = ctypes.CDLL(None, use_errno=True)

MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_REMOUNT, MS_BIND, MS_REC, MS_PRIVATE = 1, 2, 4, 8, 32, 4096, 16384, 1 << 18
CLONE_NEWNS, CLONE_NEWPID, CLONE_NEWCGROUP = 0x20000, 0x20000000, 0x02000000
OTHER_NAMESPACES = {"uts": 0x04000000, "ipc": 0x08000000, "net": 0x40000000}
MNT_DETACH = 2
SYS_PIVOT_ROOT = 155
PR_CAPBSET_DROP, PR_SET_NO_NEW_PRIVS, PR_SET_PDEATHSIG = 24, 38, 1
CAPABILITIES = {5: "kill", 6: "setgid", 7: "setuid"}
CAPABILITY_COUNT = 41
SIOCSIFFLAGS, IFF_UP = 0x8914, 1
NODES = ("null", "zero", "full", "random", "urandom", "tty")
LINKS = {"fd": "/proc/self/fd", "stdin": "/proc/self/fd/0", "stdout": "/proc/self/fd/1", "stderr": "/proc/self/fd/2"}
PASSWD = "root:x:0:0:root:/root:/bin/sh\nuser:x:1000:1000::/box/work:/bin/sh\n"


class Pod(NamedTuple):
    uid: int
    directory: Path  # what its init container made
    termination: Path  # the file of the termination message
    log: int  # a descriptor


def call(name, *arguments):
    arguments = [os.fsencode(a) if isinstance(a, (str, Path)) else a for a in arguments]
    if getattr(libc, name)(*arguments) < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), f"{name}{arguments}")


def mount(source, target, kind, flags=0, options=None):
    call("mount", source, target, kind, ctypes.c_ulong(flags), options)


def bind(source, target, read_only=True):
    mount(source, target, None, MS_BIND | MS_REC)
    if read_only:
        mount(None, target, None, MS_BIND | MS_REMOUNT | MS_RDONLY)


def make_file(path, text=""):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def make_devices(root):
    mount("dev", root / "dev", "tmpfs", MS_NOSUID, "mode=755,size=64k")
    for name in NODES:
        make_file(root / "dev" / name)
        bind(f"/dev/{name}", root / "dev" / name, read_only=False)
    for name, target in LINKS.items():
        os.symlink(target, root / "dev" / name)
    (root / "dev/shm").mkdir()


def make_boxes(root, disk_bytes):
    inodes = max(1024, disk_bytes // 4096)
    for name, mode in {"box": "755", "tmp": "1777", "dev/shm": "1777"}.items():
        mount("tmpfs", root / name, "tmpfs", MS_NOSUID | MS_NODEV, f"mode={mode},size={disk_bytes},nr_inodes={inodes}")


def make_attempt(root, keeper, attempt):
    mount("assay", root / "assay", "tmpfs", MS_NOSUID | MS_NODEV, "mode=700,size=64k")
    (root / "assay/attempt").mkdir()
    make_file(root / "assay/keeper")
    bind(attempt, root / "assay/attempt", read_only=False)
    bind(keeper, root / "assay/keeper")


def make_volumes(root, pod, disk_bytes):
    """What Kubernetes gives a pod: emptyDirs that everybody may write to, one of them for three places."""
    mount("box", root / "box", "tmpfs", MS_NOSUID | MS_NODEV, f"mode=777,size={disk_bytes}")
    for name in ("tmp", "dev/shm"):
        place = root / "box" / os.path.basename(name)
        place.mkdir()
        place.chmod(0o777)
        bind(place, root / name, read_only=False)
    (root / "box/box").mkdir()
    (root / "box/box").chmod(0o777)
    bind(root / "box/box", root / "box", read_only=False)
    mount("assay", root / "assay", "tmpfs", MS_NOSUID | MS_NODEV, "mode=777,size=96m")
    for source in pod.directory.iterdir():
        shutil.copy2(source, root / "assay" / source.name)
        os.chown(root / "assay" / source.name, pod.uid, pod.uid)
    make_file(root / "assay-termination")
    bind(pod.termination, root / "assay-termination", read_only=False)


def make_root(root, keeper, attempt, pod, disk_bytes, cgroup_leaves, faults):
    """The host's programs, and nothing else of it, below `root`; then into it."""
    mount(None, "/", None, MS_REC | MS_PRIVATE)
    mount("root", root, "tmpfs", 0, "mode=755,size=1m")
    os.umask(0o022)
    for name in ("usr", "bin", "sbin", "lib", "lib32", "lib64", "libx32"):
        if os.path.islink(f"/{name}"):
            os.symlink(os.readlink(f"/{name}"), root / name)
        elif os.path.isdir(f"/{name}"):
            (root / name).mkdir()
            bind(f"/{name}", root / name)
    for name in ("dev", "proc", "box", "tmp", "etc/alternatives", "assay"):
        (root / name).mkdir(parents=True)
    make_file(root / "etc/passwd", PASSWD)
    if os.path.isdir("/etc/alternatives"):
        bind("/etc/alternatives", root / "etc/alternatives")
    mount("proc", root / "proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC)
    make_devices(root)
    if pod:
        make_volumes(root, pod, disk_bytes)
    else:
        make_boxes(root, disk_bytes)
        make_attempt(root, keeper, attempt)
    for number, leaf in enumerate(cgroup_leaves):
        (root / f"sys/fs/cgroup/{number}").mkdir(parents=True)
        bind(leaf, root / f"sys/fs/cgroup/{number}")
    if "volume" in faults:
        (root / "data").mkdir()
        mount("data", root / "data", "tmpfs", 0, "mode=1777,size=90%")
    os.chdir(root)
    call("syscall", SYS_PIVOT_ROOT, ".", ".")
    call("umount2", ".", MNT_DETACH)
    os.chdir("/")
    if "writable" not in faults:
        mount(None, "/", None, MS_BIND | MS_REMOUNT | MS_RDONLY)


def bring_loopback_up():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        fcntl.ioctl(control, SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", IFF_UP))


def give_rights_up():
    for capability in range(CAPABILITY_COUNT):
        if capability not in CAPABILITIES:
            libc.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0)
    call("prctl", PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)


def become_ordinary(pod):
    os.dup2(pod.log, 1)
    os.setgroups([])
    os.setresgid(pod.uid, pod.uid, pod.uid)
    os.setresuid(pod.uid, pod.uid, pod.uid)
    call("prctl", PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)  # which the change of user id undid


def run_first_process(command, environment, leaves, faults, keeper=None, attempt=None, pod=None, **places):
    doors = [os.open(f"{leaf}/cgroup.procs", os.O_WRONLY | os.O_CLOEXEC) for leaf in leaves]
    call("unshare", CLONE_NEWNS | sum(flag for name, flag in OTHER_NAMESPACES.items() if name not in faults))
    bring_loopback_up()
    make_root(keeper=keeper, attempt=attempt, pod=pod, cgroup_leaves=leaves, faults=faults, **places)
    for door in doors:
        os.write(door, b"0")
    if "cgroup" not in faults:
        call("unshare", CLONE_NEWCGROUP)
    give_rights_up()
    if pod:
        become_ordinary(pod)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    os.execve(command[0], command, environment)


class Container:
    """A container that runs. `pid` is its first process, seen from outside."""

    def __init__(self, command, environment, leaves, faults=(), **places):
        receiving, sending = os.pipe()
        self.shim = os.fork()
        if not self.shim:
            self._be_shim(sending, command, environment, leaves, {"faults": faults, **places})
        os.close(sending)
        with os.fdopen(receiving, "rb") as pipe:
            self.pid = int(pipe.read() or 0)
        self.status = None

    @staticmethod
    def _be_shim(sending, command, environment, leaves, places):
        """Outlives the first process, as a container's manager does, and ends as it ended."""
        try:
            call("prctl", PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
            call("unshare", CLONE_NEWPID)
            first = os.fork()
            if not first:
                os.close(sending)
                call("prctl", PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
                run_first_process(command, environment, leaves, **places)
            os.write(sending, str(first).encode())
            os.close(sending)
            os._exit(os.waitstatus_to_exitcode(os.waitpid(first, 0)[1]) & 255)
        except BaseException as error:  # pylint: disable=broad-except
            os.write(2, f"no container: {error}\n".encode())
            os._exit(126)

    def poll(self):
        if self.status is None:
            pid, status = os.waitpid(self.shim, os.WNOHANG)
            if pid:
                self.status = os.waitstatus_to_exitcode(status)
        return self.status

    def wait(self, seconds):
        end = time.monotonic() + seconds
        while self.poll() is None:
            assert time.monotonic() < end, "the container did not end in time"
            time.sleep(0.002)
        return self.status

    def send_signal(self, number):
        os.kill(self.pid, number)

    def kill(self):
        if self.poll() is None:
            os.kill(self.pid, signal.SIGKILL)
            self.wait(10)
