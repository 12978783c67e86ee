"""A small Debian of the test's own to install packages in: a root file system made of the packages of this host, with mount, process,
network and host-name namespaces of its own. All of it is gone when the test is.

What is in it is kept between two runs, and made anew when packages of this host have changed. No network, no debootstrap.
"""

import os
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

from . import traces
from .docker import VM_DIRECTORY

# pivot_root(2) and not chroot(2): from a changed root no user namespace can be made (unshare(2), EPERM).
FIRST_PROCESS = """
mount --bind "$0" "$0" && cd "$0" && mkdir -p .old && mount --rbind /dev dev && mount --rbind /sys sys && mount -t proc proc proc &&
mount -t tmpfs tmpfs run && mount -t tmpfs -o mode=1777 tmpfs tmp && ip link set lo up && hostname throw-away &&
pivot_root . .old && exec chroot . sh -c 'umount -l /.old && echo ready && exec sleep infinity'
"""


class Failure(Exception):
    pass


def why_not():
    """Why there can be none here, or None."""
    if os.getuid() != 0:
        return "needs root, to make a root file system of its own"
    allowed = subprocess.run(["unshare", "--mount", "--pid", "--fork", "mount", "-t", "tmpfs", "tmpfs", "/run"], capture_output=True, text=True)
    return f"cannot mount here: {allowed.stderr.strip()}" if allowed.returncode else None


class Root:
    def __init__(self, packages):
        self.directory = Path(tempfile.mkdtemp(prefix="assay-root-"))
        self.packages = sorted(packages)
        self.unshare = self.first_process = None

    @property
    def path(self):
        return self.directory / "root"

    def __enter__(self):
        try:
            kept = subprocess.run([VM_DIRECTORY / "kept-root", "package", *self.packages], check=True, capture_output=True, text=True).stdout.strip()
            subprocess.run(["cp", "-a", kept, self.path], check=True)
            self.unshare = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", "unshare", "--mount", "--pid", "--net", "--uts", "--fork", "--kill-child=KILL",
                 "sh", "-c", FIRST_PROCESS, self.path], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
            if (said := self.unshare.stdout.readline()) != "ready\n":
                raise Failure(f"its namespaces could not be made: {said}")
            self.first_process = next(iter(traces.children(self.unshare.pid)))
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        if self.unshare is not None:
            if self.first_process is not None:
                os.kill(self.first_process, signal.SIGKILL)
            # The first process of a namespace is not gone before all others are (pid_namespaces(7)).
            self.unshare.wait(60)
            self.unshare.stdout.close()
        shutil.rmtree(self.directory)

    def start(self, *command, **options):
        """Starts a command in there."""
        enter = ["nsenter", f"--target={self.first_process}", "--mount", "--pid", "--net", "--uts", "--root", "--wd=/"]
        environment = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root", "DEBIAN_FRONTEND": "noninteractive"}
        return subprocess.Popen([*enter, "--", *command], env=environment | options.pop("env", {}), text=True, **options)

    def run(self, *command, status=0):
        """What a command in there wrote, both streams as one; it must end with this status."""
        process = self.start(*command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        output, _ = process.communicate(timeout=120)
        if process.returncode != status:
            raise Failure(f"{' '.join(command)} ended with status {process.returncode}:\n{output}")
        return output
