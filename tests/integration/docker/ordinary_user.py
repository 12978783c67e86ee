#!/usr/bin/python3
"""assayd as an ordinary user who may use Docker's socket: containers isolate as fully as root's, and their keeper, which is root
in there, needs no right to all files to leave its evidence to that user."""

import os
import shutil
import tempfile

from scenario import left_by_daemon, main
from harness import docker

USER = 1500
PRYING = "cat /assay/attempt/plan /assay/attempt/start /proc/1/environ"


def an_ordinary_users_evaluations_are_as_isolated_as_roots(scenario):
    scenario.engine.directory.chmod(0o755)
    scenario.engine.socket.chmod(0o666)
    directory = tempfile.mkdtemp(prefix="assay-user-")
    os.chown(directory, USER, USER)
    settings = {"image": docker.SMALL_IMAGE, "directory": directory, "identity": (USER, USER)}
    try:
        with scenario.daemon(log=f"{directory}/log", **settings) as daemon:
            evaluation = daemon.client().submit({"command": ["sh", "-c", f"{PRYING}; echo done; exit 3"]}, wait=60).json
            verdict = evaluation["verdict"]
            if (verdict["kind"], verdict["exit_code"], evaluation["stdout"]["text"]) != ("failed", 3, "done\n"):
                yield f"{evaluation}"
            if evaluation["isolation"] != "full":
                yield f"the isolation is {evaluation['isolation']}: {evaluation['isolation_gaps']}"
            yield from left_by_daemon(daemon)
    finally:
        shutil.rmtree(directory)


main(an_ordinary_users_evaluations_are_as_isolated_as_roots, images=[docker.SMALL_IMAGE])
