#!/usr/bin/python3
"""The daemon under a supervisor that speaks systemd's protocol: sockets that are handed over, and what is told when."""

import fcntl
import os
import signal
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

from scenario import main, traces

from harness import client

SECONDS = 60
FIRST_SOCKET = 3


class Supervised:
    """assayd with these sockets from descriptor 3 on, and a socket that hears what it says."""

    def __init__(self, arguments, sockets=(), watchdog_ms=None, listen_pid=None, options=()):
        self.directory = tempfile.TemporaryDirectory(prefix="assay-supervised-")
        path = Path(self.directory.name)
        self.hearing = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.hearing.bind(str(path / "notify"))
        self.hearing.settimeout(SECONDS)
        self.log = path / "log"
        environment = {"PATH": "/usr/bin:/bin", "NOTIFY_SOCKET": str(path / "notify"), "ASSAY_KEEPER": os.path.abspath(arguments.keeper)}
        environment |= {name: value for name, value in os.environ.items() if name.endswith("SAN_OPTIONS")}
        if watchdog_ms:
            environment |= {"WATCHDOG_USEC": str(watchdog_ms * 1000)}
        command = [os.path.abspath(arguments.assayd), "--state-dir", str(path / "state"), "--slots", "1", *options]
        # The descriptors must have these very numbers, and LISTEN_PID be the daemon's: a shell arranges it and becomes the daemon.
        script = "".join(f"exec {FIRST_SOCKET + i}<&{s.fileno()} && " for i, s in enumerate(sockets))
        if sockets:
            script += f"export LISTEN_FDS={len(sockets)} LISTEN_PID={listen_pid or '$$'} && "
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(
                ["bash", "-c", script + 'exec "$@"', "bash", *command], env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                pass_fds=[s.fileno() for s in sockets], cwd="/")

    def hears(self):
        return self.hearing.recv(100).decode()

    def expect(self, *wanted):
        """What it says next, in this order."""
        heard = [self.hears() for _ in wanted]
        if heard != list(wanted):
            yield f"it said {heard} and not {list(wanted)}: {self.log.read_text(errors='replace')}"

    def end(self):
        self.process.terminate()
        return self.process.wait(SECONDS)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.hearing.close()
        self.directory.cleanup()


def aside(given):
    """The same socket, out of the way of the numbers by which it is handed over."""
    return socket.socket(fileno=fcntl.fcntl(given.fileno(), fcntl.F_DUPFD_CLOEXEC, 50))


def listening(family, address):
    made = socket.socket(family, socket.SOCK_STREAM)
    made.bind(address)
    made.listen()
    moved = aside(made)
    made.close()
    return moved


def status_of(address):
    connection = client.Client(address, SECONDS)
    try:
        return connection.request("GET", "/healthz").status
    finally:
        connection.close()


def sockets_are_served_and_stay(scenario):
    with tempfile.TemporaryDirectory() as directory:
        path = f"{directory}/socket"
        with listening(socket.AF_INET, ("127.0.0.1", 0)) as tcp, listening(socket.AF_UNIX, path) as unix:
            port = tcp.getsockname()[1]
            # One who connects before anybody is there waits, and is served.
            early = client.connect(f"127.0.0.1:{port}", SECONDS)
            early.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
            with Supervised(scenario.options, [tcp, unix]) as supervised:
                yield from supervised.expect("READY=1")
                if not early.recv(100).startswith(b"HTTP/1.1 200"):
                    yield "who connected before the start was not answered"
                early.close()
                for address in (f"127.0.0.1:{port}", f"unix:{path}"):
                    if status_of(address) != 200:
                        yield f"nobody answers on {address}"
                if "7117" in supervised.log.read_text():
                    yield "it listens on the standard address too"
                # The keeper is a child that was executed, and the descriptors are not its business.
                keeper = next(pid for pid, name in traces.children(supervised.process.pid).items() if "keeper" in name)
                if {3, 4} & {int(fd) for fd in os.listdir(f"/proc/{keeper}/fd") if _is_listening(keeper, fd, (tcp, unix))}:
                    yield "the keeper has a socket of the supervisor"
                environment = Path(f"/proc/{keeper}/environ").read_text()
                if "LISTEN_" in environment or "NOTIFY_" in environment:
                    yield f"the keeper inherits what was meant for the daemon: {environment!r}"
                if status := supervised.end():
                    yield f"exit status {status}"
            if not os.path.exists(path):
                yield "the supervisor's socket was removed"


def _is_listening(pid, descriptor, sockets):
    inodes = {f"socket:[{os.fstat(s.fileno()).st_ino}]" for s in sockets}
    try:
        return os.readlink(f"/proc/{pid}/fd/{descriptor}") in inodes
    except FileNotFoundError:
        return False


def what_is_configured_is_opened_beside_them(scenario):
    with tempfile.TemporaryDirectory() as directory, listening(socket.AF_INET, ("127.0.0.1", 0)) as tcp:
        own = f"unix:{directory}/own"
        with Supervised(scenario.options, [tcp], options=["--listen", own]) as supervised:
            yield from supervised.expect("READY=1")
            for address in (own, f"127.0.0.1:{tcp.getsockname()[1]}"):
                if status_of(address) != 200:
                    yield f"nobody answers on {address}"


def sockets_of_another_process_are_left_alone(scenario):
    with tempfile.TemporaryDirectory() as directory, listening(socket.AF_INET, ("127.0.0.1", 0)) as tcp:
        own = f"unix:{directory}/own"
        with Supervised(scenario.options, [tcp], listen_pid=1, options=["--listen", own]) as supervised:
            yield from supervised.expect("READY=1")
            if supervised.log.read_text().count("listening on") != 1:
                yield supervised.log.read_text()


def what_is_no_listening_socket_is_refused(scenario):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagrams:
        moved = aside(datagrams)
        with moved, Supervised(scenario.options, [moved]) as supervised:
            if supervised.process.wait(SECONDS) != 1 or "socket 1 of the supervisor" not in supervised.log.read_text():
                yield supervised.log.read_text()


def the_watchdog_hears_of_a_living_loop_only(scenario):
    with tempfile.TemporaryDirectory() as directory:
        with Supervised(scenario.options, watchdog_ms=400, options=["--listen", f"unix:{directory}/own"]) as supervised:
            yield from supervised.expect("READY=1", "WATCHDOG=1", "WATCHDOG=1")
            supervised.process.send_signal(signal.SIGSTOP)
            supervised.hearing.settimeout(2)
            try:
                heard = [supervised.hears() for _ in range(3)]  # one may have been on its way
                yield f"stopped, it says {heard}"
            except TimeoutError:
                pass
            supervised.hearing.settimeout(SECONDS)
            supervised.process.send_signal(signal.SIGCONT)
            yield from supervised.expect("WATCHDOG=1")
            supervised.process.terminate()
            while (said := supervised.hears()) == "WATCHDOG=1":
                pass
            if said != "STOPPING=1" or supervised.process.wait(SECONDS):
                yield f"it said {said} at its end"


main(
    sockets_are_served_and_stay,
    what_is_configured_is_opened_beside_them,
    sockets_of_another_process_are_left_alone,
    what_is_no_listening_socket_is_refused,
    the_watchdog_hears_of_a_living_loop_only,
)
