#!/usr/bin/python3
"""Images: chosen by the request or the runtime, allowed by pattern, pulled outside of the slots where the policy says so, and
named where there is none."""

import re
import time

from scenario import PATIENCE_SECONDS, check_once, left_by_daemon, main, wait_until
from harness import docker
from harness.registry import Registry

MISSING = "local/there-is-none:1"
ECHO = {"command": ["echo", "pulled"]}


def options(*more, pull="missing", allowed=("127.0.0.1:*/**", "local/**")):
    return [*(word for pattern in allowed for word in ("--docker-images", pattern)), "--docker-pull", pull, *more]


def echo_in(image):
    return ECHO | {"image": image}


def put(registry, name, filling_bytes=1000):
    """A small image that is like no other, larger by so many bytes that cannot be compressed."""
    return registry.put(name, "1", docker.small_image(filling_bytes))


def remove(engine, daemon, image):
    """By hand, as soon as no container needs it."""
    yield from left_by_daemon(daemon)
    engine.call("DELETE", f"/images/{image}")


def check_echoed(evaluation):
    if (evaluation["status"], evaluation.get("stdout", {}).get("text")) != ("completed", "pulled\n"):
        yield f"{evaluation}"
    yield from check_once(evaluation)


def check_not_started(evaluation, *words):
    verdict = evaluation["verdict"]
    if not verdict or (verdict["kind"], verdict["fault"]) != ("not_started", "request"):
        yield f"{evaluation}"
        return
    yield from (f"the reason does not say {word}: {verdict['reason']}" for word in words if word not in verdict["reason"])


def one_that_is_missing_is_named(scenario):
    with scenario.daemon(slots=1, options=options(pull="never")) as daemon:
        yield from check_not_started(daemon.client().submit(echo_in(MISSING), wait=60).json, MISSING)
        with Registry() as registry:
            image = put(registry, "never/pulled")
            yield from check_not_started(daemon.client().submit(echo_in(image), wait=60).json, image)
            if registry.requests:
                yield f"the policy is never, and the registry was asked {registry.requests}"
        yield from left_by_daemon(daemon)


def one_that_no_registry_has_is_named(scenario):
    with scenario.daemon(slots=1, options=options()) as daemon, Registry() as registry:
        image = f"{registry.address}/team/none:1"
        yield from check_not_started(daemon.client().submit(echo_in(image), wait=60).json, image)
        if not registry.requests:
            yield "the registry was not asked"
        yield from left_by_daemon(daemon)


def one_that_is_missing_is_pulled_once_for_all_who_wait(scenario):
    with scenario.daemon(slots=4, options=options()) as daemon, Registry() as registry:
        client = daemon.client()
        image = put(registry, "team/once")
        registry.bytes_per_second = 2_000_000
        ids = [client.submit(echo_in(image)).json["id"] for _ in range(6)]
        for each in ids:
            yield from check_echoed(client.finished(each))
        pulls = [request for request in registry.requests if request.startswith("GET") and "/blobs/" in request]
        if len(pulls) != 2:
            yield f"it was pulled more than once: {pulls}"
        yield from remove(scenario.engine, daemon, image)


def pulling_takes_no_slot_and_tells_how_far_it_is(scenario):
    with scenario.daemon(slots=1, options=options()) as daemon, Registry() as registry:
        client = daemon.client()
        registry.bytes_per_second = 1_500_000
        image = put(registry, "team/slow", 8_000_000)
        pulled = client.submit(echo_in(image)).json["id"]
        wait_until("it is being prepared", lambda: client.get(pulled)["status"] == "preparing", 20)
        begun = time.monotonic()
        other = client.submit({"runtime": "python", "code": "print(1)"}, wait=60).json
        if other["status"] != "completed" or client.get(pulled)["status"] != "preparing":
            yield f"meanwhile another was {other['status']} after {time.monotonic() - begun:.1f} s: it waited for the pull"
        said = set()
        while (evaluation := client.get(pulled))["status"] == "preparing":
            said |= {entry.get("detail") for entry in evaluation["timeline"] if entry["status"] == "preparing"}
            time.sleep(0.1)
        if len(said - {None}) < 2 or not any(re.search(r"\d", each or "") for each in said):
            yield f"the timeline told of its progress: {said}"
        evaluation = client.finished(pulled)
        yield from check_echoed(evaluation)
        if "preparing" not in [entry["status"] for entry in evaluation["timeline"]]:
            yield f"the timeline is {evaluation['timeline']}"
        yield from remove(scenario.engine, daemon, image)


def a_pull_that_hangs_ends_at_its_own_deadline(scenario):
    with scenario.daemon(slots=1, options=options("--docker-pull-timeout-s", "3")) as daemon, Registry() as registry:
        client = daemon.client()
        image = put(registry, "team/hangs")
        registry.bytes_per_second = 0
        begun = time.monotonic()
        evaluation = client.submit(echo_in(image), wait=60).json
        seconds = time.monotonic() - begun
        if not evaluation["verdict"] or evaluation["verdict"]["kind"] not in ("not_started", "lost") or seconds > 30:
            yield f"after {seconds:.1f} s: {evaluation}"
        elif image not in evaluation["verdict"]["reason"]:
            yield f"the reason does not name it: {evaluation['verdict']['reason']}"
        yield from left_by_daemon(daemon)


def one_that_is_cancelled_while_it_is_pulled_ends_at_once(scenario):
    with scenario.daemon(slots=1, options=options()) as daemon, Registry() as registry:
        client = daemon.client()
        image = put(registry, "team/cancelled")
        registry.bytes_per_second = 0
        pulled = client.submit(echo_in(image)).json["id"]
        wait_until("it is being prepared", lambda: client.get(pulled)["status"] == "preparing", 20)
        client.cancel(pulled)
        if (status := client.finished(pulled, 10)["status"]) != "cancelled":
            yield f"it is {status}"
        yield from left_by_daemon(daemon)


def a_daemon_that_is_killed_while_it_pulls_goes_on(scenario):
    with scenario.daemon(slots=1, options=options()) as daemon, Registry() as registry:
        client = daemon.client()
        image = put(registry, "team/killed", 4_000_000)
        registry.bytes_per_second = 1_000_000
        pulled = client.submit(echo_in(image)).json["id"]
        wait_until("it is being prepared", lambda: client.get(pulled)["status"] == "preparing", 20)
        daemon.kill()
        registry.bytes_per_second = None
        daemon.start()
        yield from check_echoed(daemon.client().finished(pulled, PATIENCE_SECONDS))
        yield from remove(scenario.engine, daemon, image)


def one_that_is_removed_by_hand_is_pulled_again(scenario):
    with scenario.daemon(slots=1, options=options()) as daemon, Registry() as registry:
        client = daemon.client()
        image = put(registry, "team/again")
        for _ in range(2):
            yield from check_echoed(client.submit(echo_in(image), wait=60).json)
            yield from remove(scenario.engine, daemon, image)


def what_is_not_allowed_is_refused(scenario):
    with scenario.daemon(slots=1, options=options(allowed=["local/python:*", "127.0.0.1:5000/**"])) as daemon:
        client = daemon.client()
        for image in ("local/small:1", "python:3.11", "127.0.0.1:5001/a:1", "local/python:3.11/../x", "", "a" * 600, "LOCAL/python:1", "local/python:1\n"):
            answer = client.submit(echo_in(image))
            paths = [error["path"] for error in answer.json.get("errors", [])]
            if answer.status != 400 or paths != ["$.image"]:
                yield f"{image[:40]!r} was answered {answer}"
        if (answer := client.submit(echo_in(docker.IMAGE), wait=60)).json["status"] != "completed":
            yield f"{docker.IMAGE} was answered {answer}"
        yield from left_by_daemon(daemon)


def what_does_not_start_in_it_is_the_requests_fault(scenario):
    """The image is there, the interpreter is not."""
    with scenario.daemon(slots=1, options=options()) as daemon:
        evaluation = daemon.client().submit({"runtime": "python", "code": "", "image": docker.SMALL_IMAGE}, wait=60).json
        yield from check_not_started(evaluation, "python")
        yield from left_by_daemon(daemon)


main(
    one_that_is_missing_is_named,
    one_that_no_registry_has_is_named,
    one_that_is_missing_is_pulled_once_for_all_who_wait,
    pulling_takes_no_slot_and_tells_how_far_it_is,
    a_pull_that_hangs_ends_at_its_own_deadline,
    one_that_is_cancelled_while_it_is_pulled_ends_at_once,
    a_daemon_that_is_killed_while_it_pulls_goes_on,
    one_that_is_removed_by_hand_is_pulled_again,
    what_is_not_allowed_is_refused,
    what_does_not_start_in_it_is_the_requests_fault,
    images=(docker.IMAGE, docker.SMALL_IMAGE),
)
