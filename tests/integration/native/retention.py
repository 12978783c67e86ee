#!/usr/bin/python3
"""Finished evaluations are deleted when they are old enough, with all that there is of them, and open ones are not."""

import time

from scenario import main

SECONDS = 30


def what_is_old_goes_and_what_is_open_stays(scenario):
    with scenario.daemon(slots=2, options=["--retention-age-s", "1"]) as daemon:
        client = daemon.client()
        sleeper = client.submit({"runtime": "sh", "code": "sleep 60"}).json["id"]
        large = {"runtime": "sh", "code": "yes | head -c 500000", "labels": {"run": "1"}}
        old = client.submit(large, wait=30, **{"Idempotency-Key": "key"}).json["id"]
        deadline = time.monotonic() + SECONDS
        while (status := client.request("GET", f"/v1/evaluations/{old}").status) == 200 and time.monotonic() < deadline:
            time.sleep(0.1)
        if status != 404:
            yield f"it is still there: {status}"
        if left := list((daemon.state / "outputs").iterdir()):
            yield f"files are left: {left}"
        if client.request("GET", "/v1/evaluations?label=run:1").json["evaluations"]:
            yield "it is still listed"
        if "\nassay_evaluations_removed_total 1\n" not in client.request("GET", "/metrics").body.decode():
            yield "it is not counted"
        again = client.submit(large, **{"Idempotency-Key": "key"})
        if again.status != 202 or again.json["id"] == old:
            yield f"its key is not free again: {again}"
        client.cancel(sleeper)
        if client.finished(sleeper)["status"] != "cancelled":
            yield "the open one did not stay"


main(what_is_old_goes_and_what_is_open_stays)
