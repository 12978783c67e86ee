"""In the virtual machine: assayd in a unit's cgroup, killed while a program runs, and started again in the same cgroup."""

import os
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, "/assay/tests")

from harness import client, tap

ROOT = Path("/sys/fs/cgroup")
SLICE = ROOT / "assay.slice"
UNIT = SLICE / "assayd.service"
SOCKET = "/tmp/socket"
SECONDS = 120


def make_cgroups():
    """As systemd leaves them for a unit with Slice=assay.slice and Delegate=yes."""
    (ROOT / "cgroup.subtree_control").write_text("+cpu +memory +pids")
    SLICE.mkdir()
    (SLICE / "cgroup.subtree_control").write_text("+cpu +memory +pids")
    UNIT.mkdir()


def start():
    """A process of the unit is put into the unit's cgroup before it is executed."""
    variables = dict(line.split("=", 1) for line in Path("/assay/environment").read_text().split())
    environment = {"PATH": "/usr/bin:/bin"} | variables
    with open("/tmp/log", "ab") as log:
        process = subprocess.Popen(
            ["sh", "-c", 'echo 0 >"$0/cgroup.procs" && exec "$@"', UNIT, "/assay/assayd", "--keeper", "/assay/assay-keeper", "--state-dir", "/tmp/state",
             "--listen", f"unix:{SOCKET}", "--slots", "1", "--isolation", "strict"],
            env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    deadline = time.monotonic() + SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        try:
            if client.Client(f"unix:{SOCKET}").request("GET", "/readyz").status == 200:
                return process
        except OSError:
            pass
        time.sleep(0.1)
    raise AssertionError(f"it does not start, status {process.poll()}: {Path('/tmp/log').read_text()}")


def a_daemon_that_was_killed_is_started_in_its_cgroup_while_a_program_runs():
    first = start()
    running = client.Client(f"unix:{SOCKET}").submit({"runtime": "sh", "code": "sleep 20; echo done"}).json["id"]
    while client.Client(f"unix:{SOCKET}").get(running)["status"] != "running":
        time.sleep(0.1)
    if not list(SLICE.glob("assay-*/slot-*")):
        yield f"its cgroups are not in the slice: {[str(path) for path in ROOT.glob('**/slot-*')]}"
    first.kill()
    first.wait()
    second = start()
    evaluation = client.Client(f"unix:{SOCKET}").finished(running, SECONDS)
    if (evaluation["status"], evaluation["stdout"]["text"], evaluation["isolation"]) != ("completed", "done\n", "full"):
        yield f"{evaluation}"
    second.terminate()
    if status := second.wait(SECONDS):
        yield f"it ended with status {status}"


make_cgroups()
report = tap.Tap()
report.run("a daemon that was killed is started in its cgroup while a program runs", a_daemon_that_was_killed_is_started_in_its_cgroup_while_a_program_runs)
sys.exit(report.done())
