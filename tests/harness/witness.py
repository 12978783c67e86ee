"""A witness of what was started, which asks nobody of Assay: every program opens one certain file of the host first of all, and the
kernel does not let it go on before the test has seen who it is (fanotify(7): an access that has to be permitted).

    with Witness() as witness:
        …                          # programs that begin with START, in sh
        witness.starts[id]         # how often the program of this evaluation began, in whatever attempt

Marked is the file itself, so that it does not matter in which mounts and namespaces it is opened. What a process that opens it is
called is read while it is held, and so cannot be missed.
"""

import ctypes
import os
import select
import struct
import threading
from collections import Counter
from pathlib import Path

FILE = "/usr/share/common-licenses/Artistic"  # of the package base-files, and of interest to nobody
START = f": < {FILE}; "

FAN_CLASS_CONTENT, FAN_CLOEXEC, FAN_MARK_ADD, FAN_OPEN_PERM, FAN_ALLOW, AT_FDCWD = 4, 1, 1, 0x10000, 1, -100
EVENT, RESPONSE = struct.Struct("=IBBHQii"), struct.Struct("=iI")


def _call(name, *arguments):
    libc = ctypes.CDLL(None, use_errno=True)
    result = getattr(libc, name)(*arguments)
    if result < 0:
        raise OSError(ctypes.get_errno(), name)
    return result


def why_not():
    """What hinders it on this host, or None."""
    try:
        os.close(_call("fanotify_init", FAN_CLASS_CONTENT | FAN_CLOEXEC, os.O_RDONLY))
    except OSError as error:
        return f"only root of the host can be a witness: {error}"
    return None if os.path.exists(FILE) else f"there is no {FILE}"


class Witness:
    def __init__(self):
        self.starts = Counter()
        self.descriptor = _call("fanotify_init", FAN_CLASS_CONTENT | FAN_CLOEXEC, os.O_RDONLY)
        mark = [ctypes.c_uint(FAN_MARK_ADD), ctypes.c_uint64(FAN_OPEN_PERM), AT_FDCWD, FILE.encode()]
        _call("fanotify_mark", self.descriptor, *mark)
        self.read_end, self.write_end = os.pipe()
        self.thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        os.close(self.write_end)
        self.thread.join()
        os.close(self.read_end)
        os.close(self.descriptor)  # whoever is still held goes on

    def _watch(self):
        while self.read_end not in (ready := select.select([self.descriptor, self.read_end], [], [])[0]):
            if ready:
                self._take(os.read(self.descriptor, 4096))

    def _take(self, events):
        while events:
            length, _, _, _, _, descriptor, pid = EVENT.unpack_from(events)
            events = events[length:]
            if evaluation_id := _evaluation_of(pid):
                self.starts[evaluation_id] += 1
            os.write(self.descriptor, RESPONSE.pack(descriptor, FAN_ALLOW))
            os.close(descriptor)


def _evaluation_of(pid):
    """What the program was told to be (DESIGN: EVAL_ID), or None of anybody else who reads the file."""
    try:
        environment = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return None
    return next((entry[len("EVAL_ID=") :].decode() for entry in environment if entry.startswith(b"EVAL_ID=")), None)
