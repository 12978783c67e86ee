#!/usr/bin/python3
"""The Debian package in a throw-away root: it is installed, started as its unit says, evaluates, is upgraded and keeps what there is,
is removed and keeps it still, and is purged."""

import argparse
import json
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from harness import root as roots
from harness import tap, traces

SOURCE = Path(__file__).resolve().parents[3]
CONFIGURATION = "etc/assay/assayd.yaml"
NEWER = "99.0.0"
# Beside what the package itself asks for: dpkg and what its maintainer's scripts call.
BASE = ("dpkg", "libc-bin", "init-system-helpers", "perl-base", "tar", "gzip", "diffutils", "sed", "findutils", "debianutils")
READY_SECONDS = 60

# What the unit's hardening does to the daemon's world: ProtectSystem=strict, StateDirectory=, ProtectHome=, PrivateTmp=, NoNewPrivileges=.
HARDENED = """
mount --bind /var/lib/assay /var/lib/assay && mount -o remount,bind,ro / && mount -t tmpfs -o mode=0 tmpfs /root &&
mount -t tmpfs -o mode=0 tmpfs /home && mount -t tmpfs -o mode=1777 tmpfs /tmp && exec setpriv --no-new-privs -- "$@"
"""
HARDENING = ("ProtectSystem=strict", "StateDirectory=assay", "ProtectHome=yes", "PrivateTmp=yes", "NoNewPrivileges=yes")


def made(build, directory):
    shown = subprocess.run([SOURCE / "tools/make-deb", build, directory], check=True, capture_output=True, text=True)
    return Path(shown.stdout.strip())


def newer(package, directory):
    """The same package with a higher version, and with another configuration file."""
    unpacked = directory / "unpacked"
    subprocess.run(["dpkg-deb", "--raw-extract", package, unpacked], check=True)
    control = unpacked / "DEBIAN/control"
    control.write_text(re.sub("(?m)^Version: .*$", f"Version: {NEWER}", control.read_text()))
    with open(unpacked / CONFIGURATION, "a") as configuration:
        configuration.write("# newer\n")
    subprocess.run(["dpkg-deb", "--root-owner-group", "--build", unpacked, directory / "newer.deb"], check=True, stdout=subprocess.DEVNULL)
    return directory / "newer.deb"


def field(package, name):
    return subprocess.run(["dpkg-deb", "--field", package, name], check=True, capture_output=True, text=True).stdout.strip()


class Service:
    """Plays systemd, which cannot be the first process here: starts what the unit's ExecStart says, with its environment."""

    def __init__(self, root):
        self.root = root
        self.unit = (root.path / "lib/systemd/system/assayd.service").read_text()

    def __enter__(self):
        command = re.search("(?m)^ExecStart=(.*)$", self.unit)[1].split()
        environment = dict(pair.split("=", 1) for pair in re.findall("(?m)^Environment=(.*)$", self.unit))
        (self.root.path / "var/lib/assay").mkdir(mode=0o700, exist_ok=True)
        if missing := [line for line in HARDENING if f"\n{line}\n" not in self.unit]:
            raise roots.Failure(f"the unit has no {missing}")
        command = ["unshare", "--mount", "--propagation", "slave", "sh", "-c", HARDENED, "sh", *command]
        self.log = open(self.root.directory / "log", "ab")
        self.process = self.root.start(*command, env=environment, stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)
        deadline = time.monotonic() + READY_SECONDS
        while self.root.start("assay", "list", "--limit", "1", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).wait():
            if time.monotonic() > deadline or self.process.poll() is not None:
                raise roots.Failure("assayd does not answer:\n" + (self.root.directory / "log").read_text())
            time.sleep(0.1)
        return self

    def __exit__(self, *_):
        # nsenter has become the daemon's parent: the signal is for the daemon.
        self.root.run("sh", "-c", "kill -TERM $(cat /var/lib/assay/lock)")
        self.status = self.process.wait(60)
        self.log.close()


def evaluated(root, code):
    (root.path / "program.sh").write_text(code)
    shown = json.loads(root.run("assay", "run", "--server", "http://127.0.0.1:7117", "--json", "/program.sh"))
    return shown["id"], shown["status"], shown["stdout"]["text"], shown["isolation"]


def shown(root, evaluation_id):
    return json.loads(root.run("assay", "get", "--json", evaluation_id))["status"]


def it_installs_with_what_it_says_that_it_depends_on(root, package, later):
    root.run("dpkg", "--install", package)
    if (root.path / "etc/systemd/system/multi-user.target.wants/assayd.service").is_symlink() is False:
        yield "the service is not enabled"
    if "install ok installed" not in root.run("dpkg", "--status", "assay"):
        yield "it is not installed"
    conffiles = root.run("dpkg-query", "--show", "--showformat=${Conffiles}", "assay")
    if f"/{CONFIGURATION}" not in conffiles:
        yield f"/{CONFIGURATION} is not a configuration file of it, but {conffiles!r}"


def its_units_are_right(root, package, later):
    if not shutil.which("systemd-analyze"):
        return
    for unit in ("assayd.service", "assayd.socket"):
        verified = subprocess.run(["systemd-analyze", "verify", "--man=no", f"--root={root.path}", unit], capture_output=True, text=True)
        # That the small root has no other units is no news.
        yield from (line for line in verified.stderr.splitlines() if "assayd" in line and "sysinit.target not found" not in line)


def it_evaluates_and_an_upgrade_keeps_evaluations_and_configuration(root, package, later):
    with Service(root) as service:
        first, status, output, isolation = evaluated(root, "echo before\n")
        if (status, output) != ("completed", "before\n"):
            yield f"a program is {status} and wrote {output!r}"
        if "full" not in isolation:
            yield f"isolation is {isolation}"
    if service.status:
        yield f"the daemon ended with status {service.status}"
    with open(root.path / CONFIGURATION, "a") as configuration:
        configuration.write("slots: 1\n")
    root.run("dpkg", "--force-confold", "--install", later)
    if root.run("dpkg-query", "--show", "--showformat=${Version}", "assay") != NEWER:
        yield "it was not upgraded"
    if "slots: 1" not in (root.path / CONFIGURATION).read_text():
        yield "the operator's configuration is gone"
    with Service(root):
        if (status := shown(root, first)) != "completed":
            yield f"after the upgrade the first evaluation is {status}"
        if (status := evaluated(root, "echo after\n")[1]) != "completed":
            yield f"after the upgrade a program is {status}"


def removed_it_keeps_the_evaluations_and_purged_nothing_stays(root, package, later):
    root.run("dpkg", "--remove", "assay")
    if not (root.path / "var/lib/assay/assay.db").exists() or not (root.path / CONFIGURATION).exists():
        yield "evaluations or configuration went with the programs"
    if left := [str(path) for path in root.path.glob("usr/*/*assay*")]:
        yield f"left over: {left}"
    root.run("dpkg", "--purge", "assay")
    found = root.run("find", "/etc", "/usr", "/var", "/lib/systemd", "-xdev", "-name", "*assay*", "-not", "-path", "/var/lib/dpkg/*")
    if found:
        yield f"left over: {found.split()}"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", required=True, type=Path)
    build = parser.parse_args().build
    reason = roots.why_not()
    if reason or not shutil.which("dh"):
        tap.skip_all(reason or "needs debhelper")
    traces.adopt_orphans()
    report = tap.Tap()
    with tempfile.TemporaryDirectory(prefix="assay-deb-") as directory:
        package = made(build, directory)
        later = newer(package, Path(directory))
        needed = [re.split("[ (:]", each.strip())[0] for each in field(package, "Depends").split(",")]
        with roots.Root([*BASE, *needed]) as root:
            for file in (package, later):
                shutil.copy(file, root.path)
            for case in (it_installs_with_what_it_says_that_it_depends_on, its_units_are_right,
                         it_evaluates_and_an_upgrade_keeps_evaluations_and_configuration,
                         removed_it_keeps_the_evaluations_and_purged_nothing_stays):
                report.run(case.__name__.replace("_", " "), case, root, f"/{package.name}", f"/{later.name}")
    return report.done()


if __name__ == "__main__":
    sys.exit(main())
