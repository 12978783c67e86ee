"""A disk of the test's own: an ext4 file system in a file, whose power can be cut, and which can be filled.

The cut is ext4's own shutdown (EXT4_IOC_SHUTDOWN of fs/ext4/ioctl.c, which took its number over from XFS_IOC_GOINGDOWN): from that
instant nothing more reaches the device, so that everything that was not synced is lost with the page cache, as it is when the
power fails. With LOG_FLUSH the journal's running transaction is written once more before, so that names and sizes are newer than
the data behind them; without, it is lost too. What no shutdown simulates is a drive that loses what it called flushed.
And one thing it does that no power cut does: an fsync under way may find its transaction gone with the aborted journal, and call
that done (jbd2_complete_transaction() of fs/jbd2/journal.c). So only what was heard before the cut began counts.
"""

import ctypes
import fcntl
import os
import shutil
import struct
import subprocess
import tempfile
import time
from pathlib import Path

EXT4_IOC_SHUTDOWN = 0x8004587D  # _IOR('X', 125, __u32)
LOG_FLUSH, NO_LOG_FLUSH = 1, 2
CLONE_NEWNS = 0x20000
BUSY_SECONDS = 10


def own_mounts():
    """What is mounted from here on is seen by this process and those that it starts: nobody else's copy of the mounts can keep a
    file system alive that is to be dead. Returns what hinders it, or None."""
    if os.geteuid() != 0:
        return "only root may mount a disk of its own"
    found = subprocess.run(["losetup", "--find"], capture_output=True, text=True)
    if found.returncode:
        return f"no loop device: {found.stderr.strip()}"
    if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNS) != 0:
        return f"no mount namespace of its own: {os.strerror(ctypes.get_errno())}"
    subprocess.run(["mount", "--make-rprivate", "/"], check=True)
    return None


class Disk:
    """Mounted on `path` while the context is open."""

    def __init__(self, path, size):
        self.path = Path(path)
        self.directory = tempfile.mkdtemp(prefix="assay-disk-")
        self.image = f"{self.directory}/image"
        with open(self.image, "wb") as image:
            image.truncate(size)
        # Few inodes and a small journal: a small disk has room, and a large one is made in no time.
        self._run("mkfs.ext4", "-q", "-m", "0", "-N", "8000", "-J", "size=8", "-E", "lazy_itable_init=0", self.image)

    def __enter__(self):
        self.path.mkdir(parents=True, exist_ok=True)
        self.mount()
        os.chmod(self.path, 0o700)
        return self

    def __exit__(self, *_):
        self.unmount()
        shutil.rmtree(self.directory)

    def mount(self, options=""):
        self.options = options
        self._run("mount", "-t", "ext4", "-o", ",".join(filter(None, ("loop", options))), self.image, str(self.path))

    def unmount(self):
        """Processes that were killed hold it for an instant yet."""
        deadline = time.monotonic() + BUSY_SECONDS
        while subprocess.run(["umount", str(self.path)], capture_output=True).returncode:
            if time.monotonic() > deadline:
                self._run("umount", str(self.path))
            time.sleep(0.01)

    def cut_power(self, flag):
        directory = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.ioctl(directory, EXT4_IOC_SHUTDOWN, struct.pack("I", flag))
        finally:
            os.close(directory)

    def check(self):
        """What fsck has to say, unmounted, of a file system that calls itself clean."""
        found = subprocess.run(["fsck.ext4", "-f", "-n", self.image], capture_output=True, text=True, env=self._environment())
        return [f"fsck: {found.stdout}"] if found.returncode else []

    def free_bytes(self):
        status = os.statvfs(self.path)
        return status.f_bavail * status.f_frsize

    def _environment(self):
        return os.environ | {"PATH": os.environ["PATH"] + ":/sbin:/usr/sbin"}

    def _run(self, *command):
        subprocess.run(command, check=True, env=self._environment())
