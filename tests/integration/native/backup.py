#!/usr/bin/python3
"""A backup of a daemon at work: a daemon that is started on it has what was durable when it was made, whatever became of the first."""

import shutil
import tempfile
import threading

from scenario import main

from harness.daemon import Daemon

COUNT = 24


def submitted(number):
    """Every fourth has an output that is a file of its own."""
    size = 600_000 if number % 4 == 0 else 1000
    return {"runtime": "sh", "code": f"yes {number} | head -c {size}; exit {number % 3}", "labels": {"number": str(number)}}


def what_a_client_can_see(client, evaluation_id):
    return client.get(evaluation_id), client.raw(evaluation_id, "output")


def a_daemon_on_a_backup_has_what_the_killed_one_had(scenario):
    with tempfile.TemporaryDirectory() as elsewhere:
        with scenario.daemon(slots=2) as daemon:
            client = daemon.client()
            done = [client.submit(submitted(number), wait=60).json["id"] for number in range(COUNT)]
            sleeper = client.submit({"runtime": "sh", "code": "sleep 300"}).json["id"]
            # Others are served meanwhile.
            late = []
            busy = threading.Thread(target=lambda: late.extend(daemon.client().submit(submitted(n), wait=60).json["id"] for n in range(8)))
            busy.start()
            made = client.request("POST", "/v1/admin/backup")
            if made.status != 201:
                yield f"no backup: {made}"
                return
            busy.join()
            expected = {each: what_a_client_can_see(client, each) for each in done + late}
            daemon.kill()
            path = made.json["path"]
            if not path.startswith(str(daemon.state)):
                yield f"it is not below the state directory: {path}"
            shutil.copytree(path, f"{elsewhere}/state")
            with Daemon(scenario.options.assayd, scenario.options.keeper, elsewhere) as restored:
                again = restored.client()
                for each in done:
                    if what_a_client_can_see(again, each) != expected[each]:
                        yield f"{each} is another than it was: {again.get(each)}"
                for each in late:
                    there = again.request("GET", f"/v1/evaluations/{each}")
                    # Not there yet, open and then run from its start, or as it was.
                    if there.status == 200 and again.finished(each)["status"] != expected[each][0]["status"]:
                        yield f"{each} is {again.get(each)['status']}"
                if again.get(sleeper)["verdict"] is not None:
                    yield f"what ran when the backup was made is not run again: {again.get(sleeper)}"
                again.cancel(sleeper)
                again.finished(sleeper)
                if again.submit(submitted(1), wait=60).status != 200:
                    yield "it takes no new work"
            # The first one has lost nothing, and still has what ran.
            daemon.start()
            client = daemon.client()
            for each in done + late:
                if what_a_client_can_see(client, each) != expected[each]:
                    yield f"in the first, {each} is another"
            client.cancel(sleeper)
            client.finished(sleeper)


main(a_daemon_on_a_backup_has_what_the_killed_one_had)
