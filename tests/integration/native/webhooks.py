#!/usr/bin/python3
"""Each verdict is told to its callback_url at least once, with one delivery id and a signature that verifies: while the receiver
is down, answers 500, is slow, hangs up in the middle of its answer, and while the daemon is killed; and nobody else waits."""

import base64
import json
import socket
import tempfile
import threading
import time
from pathlib import Path

from scenario import main

from harness.receiver import Receiver

SECRET = b"a secret of thirty-two bytes, or"
OLD_SECRET = b"the one that was there before it"
SECONDS = 60


def submission(receiver_url, number=0):
    return {"runtime": "sh", "code": f"echo {number}; exit {number % 3}", "callback_url": receiver_url, "labels": {"number": str(number)}}


class Setting:
    """A daemon that sends to this host, with a secret, and does not wait long."""

    def __init__(self, scenario, *options, secret=True, private="yes", retry_ms=50):
        self.directory = tempfile.TemporaryDirectory()
        path = Path(self.directory.name, "secret")
        path.write_text(f"whsec_{base64.b64encode(SECRET).decode()}\n{OLD_SECRET.decode()}\n")
        path.chmod(0o600)
        options = ["--webhook-retry-ms", str(retry_ms), *options]
        if private:
            options += ["--webhook-allow-private", private]
        if secret:
            options += ["--webhook-secret-file", str(path)]
        self.daemon = scenario.daemon(slots=2, options=options)

    def __enter__(self):
        return self.daemon.__enter__()

    def __exit__(self, *details):
        self.daemon.__exit__(*details)
        self.directory.cleanup()


def deliveries(client, evaluation_id):
    answer = client.request("GET", f"/v1/evaluations/{evaluation_id}/deliveries")
    assert answer.status == 200, answer
    return answer.json["deliveries"]


def ended(client, evaluation_id, seconds=SECONDS):
    """Its delivery, once it is pending no more."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = deliveries(client, evaluation_id)
        if found and found[0]["state"] != "pending":
            return found[0]
        time.sleep(0.02)
    raise AssertionError(f"still pending: {deliveries(client, evaluation_id)}")


def told(receiver, ids):
    """Faults: of what was to be told, and how often it was told wrongly."""
    if not receiver.wait_for(lambda events: {event["subject"] for event in events} >= set(ids), SECONDS):
        missing = set(ids) - {event["subject"] for event in receiver.events()}
        yield f"never told: {missing}"
    yield from receiver.faults
    for event in receiver.events():
        if event["data"]["verdict"] is None or event["data"]["status"] != event["data"]["verdict"]["kind"]:
            yield f"no verdict: {event}"


def a_verdict_is_told_once_signed_with_every_secret(scenario):
    with Receiver([SECRET, OLD_SECRET]) as receiver, Setting(scenario) as daemon:
        client = daemon.client()
        ids = [client.submit(submission(receiver.url(), number)).json["id"] for number in range(20)]
        yield from told(receiver, ids)
        for evaluation_id in ids:
            found = ended(client, evaluation_id)
            if found["state"] != "delivered" or found["attempts"] != 1 or found["last_status"] != 204 or found["next_attempt_at"]:
                yield f"{found}"
        if len(receiver.events()) != len(ids):
            yield f"{len(receiver.events())} requests for {len(ids)} verdicts"
        event = receiver.events()[0]
        shown = client.get(event["subject"])
        if event["data"]["labels"] != shown["labels"] or event["data"]["timeline"] != shown["timeline"]:
            yield f"it is not what the API shows: {event}, {shown}"
        if event["time"] != shown["finished_at"] or event["data"]["stdout"]["text"] is not None:
            yield f"{event}"
        metrics = client.request("GET", "/metrics").body.decode()
        for line in ("assay_webhooks_pending 0", 'assay_webhooks_ended_total{state="delivered"} 20', 'assay_webhook_attempts_total{result="failed"} 0'):
            if f"\n{line}\n" not in metrics:
                yield f"not among the metrics: {line}"
        if SECRET.decode() in daemon.log() or OLD_SECRET.decode() in daemon.log():
            yield "the secret is in the log"


def without_a_secret_nothing_is_signed(scenario):
    with Receiver() as receiver, Setting(scenario, secret=False) as daemon:
        evaluation_id = daemon.client().submit(submission(receiver.url("/"))).json["id"]
        if not receiver.wait_for(lambda events: events):
            yield "never told"
        if receiver.requests[0][1]["webhook-signature"] is not None:
            yield f"{receiver.requests[0][1]}"
        ended(daemon.client(), evaluation_id)


def a_receiver_that_is_down_is_told_later(scenario):
    with Receiver([SECRET, OLD_SECRET]) as receiver, Setting(scenario) as daemon:
        receiver.stop()
        client = daemon.client()
        ids = [client.submit(submission(receiver.url(), number), wait=30).json["id"] for number in range(20)]
        time.sleep(1)
        found = deliveries(client, ids[0])[0]
        if found["state"] != "pending" or not found["attempts"] or not found["last_error"] or not found["next_attempt_at"]:
            yield f"it was down: {found}"
        receiver.start()
        yield from told(receiver, ids)
        for evaluation_id in ids:
            if ended(client, evaluation_id)["state"] != "delivered":
                yield f"{deliveries(client, evaluation_id)}"


def what_was_not_taken_is_sent_again_with_the_same_id(scenario):
    answers = [500, None, 302, 503]
    with Receiver([SECRET, OLD_SECRET]) as receiver, Setting(scenario) as daemon:
        receiver.behave = lambda attempt, event: answers[attempt - 1] if attempt <= len(answers) else 200
        client = daemon.client()
        ids = [client.submit(submission(receiver.url(), number)).json["id"] for number in range(8)]
        for evaluation_id in ids:
            found = ended(client, evaluation_id)
            if (found["state"], found["attempts"], found["last_status"]) != ("delivered", len(answers) + 1, 200):
                yield f"{found}"
        yield from told(receiver, ids)
        if len(receiver.events()) != len(ids) * (len(answers) + 1):
            yield f"{len(receiver.events())} requests"


def a_receiver_that_is_gone_is_told_no_more_until_a_client_asks(scenario):
    with Receiver([SECRET, OLD_SECRET]) as receiver, Setting(scenario) as daemon:
        receiver.behave = lambda attempt, event: 410 if attempt == 1 else 200
        client = daemon.client()
        evaluation_id = client.submit(submission(receiver.url())).json["id"]
        found = ended(client, evaluation_id)
        if (found["state"], found["attempts"], found["last_status"]) != ("given_up", 1, 410):
            yield f"{found}"
        again = client.request("POST", f"/v1/evaluations/{evaluation_id}/redeliver")
        if again.status != 202 or again.json["deliveries"][0]["id"] != found["id"]:
            yield f"{again}"
        if not receiver.wait_for(lambda events: len(events) == 2):
            yield "it was not sent again"
        if (found := ended(client, evaluation_id))["state"] != "delivered":
            yield f"{found}"
        yield from receiver.faults


def a_receiver_says_when_to_come_again(scenario):
    with Receiver([SECRET, OLD_SECRET]) as receiver, Setting(scenario) as daemon:
        receiver.behave = lambda attempt, event: (503, {"Retry-After": "2"}) if attempt == 1 else 200
        evaluation_id = daemon.client().submit(submission(receiver.url())).json["id"]
        ended(daemon.client(), evaluation_id)
        first, second = [when for when, *_ in receiver.requests]
        if second - first < 1.9:
            yield f"it was asked again after {second - first:.3f} s"


def a_slow_receiver_and_a_silent_one_delay_nobody_else(scenario):
    """The slow one takes longer than it may, the silent one accepts connections and reads nothing."""
    free = threading.Event()
    silent = socket.create_server(("127.0.0.1", 0), backlog=256)
    with Receiver([SECRET, OLD_SECRET]) as slow, Receiver([SECRET, OLD_SECRET]) as quick, Setting(scenario, "--webhook-timeout-s", "1") as daemon:
        slow.behave = lambda attempt, event: free.wait(5) and 200 or 200
        client = daemon.client()
        late = [client.submit(submission(slow.url(), number), wait=30).json["id"] for number in range(30)]
        for number in range(30):
            client.submit(submission(f"http://127.0.0.1:{silent.getsockname()[1]}/", number), wait=30)
        ids = [client.submit(submission(quick.url(), number), wait=30).json["id"] for number in range(10)]
        begun = time.monotonic()
        yield from told(quick, ids)
        if (took := time.monotonic() - begun) > 5:
            yield f"the quick one waited for {took:.1f} s"
        if slow.wait_for(lambda events: len({event["id"] for event in events}) == len(late), 0.1):
            yield "more than four at a time went to the slow one"
        free.set()
        yield from told(slow, late)
        silent.close()


def a_daemon_that_is_killed_goes_on_where_it_was(scenario):
    with Receiver([SECRET, OLD_SECRET]) as receiver, Setting(scenario) as daemon:
        ids = []
        for round_number in range(4):
            killed = threading.Event()

            def behave(attempt, event, killed=killed, round_number=round_number):
                """Dies while the answer is awaited, or behind it and before that is written down."""
                if not killed.is_set() and len(receiver.events()) % 5 == 4:
                    killed.set()
                    if round_number % 2:
                        daemon.kill()
                    else:
                        threading.Thread(target=daemon.kill).start()
                return 200

            receiver.behave = behave
            client = daemon.client()
            try:
                for number in range(12):
                    ids.append(client.submit(submission(receiver.url(), number)).json["id"])
            except OSError:
                pass  # not acknowledged, not promised
            if not killed.wait(SECONDS):
                yield "the daemon was not killed"
            daemon.process.wait()
            daemon.start()
        receiver.behave = lambda attempt, event: 200
        yield from told(receiver, ids)
        client = daemon.client()
        for evaluation_id in ids:
            if ended(client, evaluation_id)["state"] != "delivered":
                yield f"{deliveries(client, evaluation_id)}"


def what_is_pending_is_not_deleted_by_retention(scenario):
    with Receiver([SECRET, OLD_SECRET]) as receiver, Setting(scenario, "--retention-age-s", "1", retry_ms=1000) as daemon:
        receiver.behave = lambda attempt, event: 200 if attempt == 4 else 500
        client = daemon.client()
        evaluation_id = client.submit(submission(receiver.url()), wait=30).json["id"]
        other = client.submit({"runtime": "sh", "code": "exit 0"}, wait=30).json["id"]

        def status(of):
            return client.request("GET", f"/v1/evaluations/{of}").status

        deadline = time.monotonic() + SECONDS
        while status(other) == 200 and time.monotonic() < deadline:
            time.sleep(0.1)
        if len(receiver.events()) < 4 and status(evaluation_id) != 200:
            yield "it is deleted, and its receiver does not know"
        yield from told(receiver, [evaluation_id])
        if not receiver.wait_for(lambda events: len(events) == 4):
            yield f"{len(receiver.events())} attempts"
        while status(evaluation_id) == 200 and time.monotonic() < deadline:
            time.sleep(0.1)
        if status(evaluation_id) != 404:
            yield "it stays for ever"


def a_private_network_is_refused_when_it_is_named_and_when_it_is_met(scenario):
    with Receiver() as receiver, Setting(scenario, secret=False, private=None) as daemon:
        client = daemon.client()
        for host in ("127.0.0.1", "10.1.2.3", "169.254.169.254", "[::1]", "[fe80::1]", "[::ffff:10.0.0.1]", "localhost", "2130706433", "0x7f.1"):
            answer = client.submit(submission(f"http://{host}:{receiver.port}/"))
            if answer.status != 400 or answer.json["errors"][0]["path"] != "$.callback_url":
                yield f"{host}: {answer}"
        for url in ("ftp://example.com/", "http://user:word@example.com/", "/hook", "http://example.com/#part", "http://example.com/ x", "https://" + "a" * 2100):
            answer = client.submit(submission(url))
            if answer.status != 400 or answer.json["errors"][0]["path"] != "$.callback_url":
                yield f"{url[:60]}: {answer}"
        # The name of this host leads to this host, and nothing in it says so.
        name = socket.gethostname()
        if name.startswith("localhost"):
            return
        evaluation_id = client.submit(submission(f"http://{name}:{receiver.port}/"), wait=30).json["id"]
        deadline = time.monotonic() + SECONDS
        while not (found := deliveries(client, evaluation_id)[0])["attempts"] and time.monotonic() < deadline:
            time.sleep(0.05)
        if found["state"] != "pending" or receiver.events() or (resolves(name) and "not public" not in found["last_error"]):
            yield f"{found}, {receiver.events()}"


def resolves(name):
    try:
        return bool(socket.gethostbyname(name))
    except OSError:
        return False


def who_is_told_nothing_has_no_delivery(scenario):
    with Setting(scenario) as daemon:
        client = daemon.client()
        quiet = client.submit({"runtime": "sh", "code": "exit 0"}, wait=30).json["id"]
        open_one = client.submit({"runtime": "sh", "code": "sleep 60", "callback_url": "http://127.0.0.1:1/"}).json["id"]
        for evaluation_id, status in ((quiet, 409), (open_one, 409), ("20200101_000000_00000000", 404)):
            answer = client.request("POST", f"/v1/evaluations/{evaluation_id}/redeliver")
            if answer.status != status:
                yield f"redelivering {evaluation_id}: {answer}"
        if deliveries(client, quiet) or deliveries(client, open_one):
            yield "there is a delivery of nothing"
        client.cancel(open_one)
        client.finished(open_one)


def trace(number):
    return f"00-4bf92f3577b34da6a3ce929d0e0e{number:04d}-00f067aa0ba902b7-01"


def a_verdict_belongs_to_the_trace_of_its_submission(scenario):
    """In the message, in its request's head and in the log; through a crash too. What is not valid is ignored."""
    with Receiver([SECRET, OLD_SECRET]) as receiver, Setting(scenario, "--log-level", "debug") as daemon:
        receiver.stop()
        client = daemon.client()
        given = {1: {"traceparent": trace(1), "tracestate": "rojo=1, congo=2"}, 2: {"traceparent": trace(2).upper()}, 3: {},
                 4: {"traceparent": trace(4), "tracestate": "nonsense"}}
        expected = {1: (trace(1), "rojo=1,congo=2"), 2: (None, None), 3: (None, None), 4: (trace(4), None), 5: (trace(5), None), 6: (trace(5), None)}
        ids = {}
        for number, headers in given.items():
            answer = client.request("POST", "/v1/evaluations?wait=30", submission(receiver.url(), number), headers)
            if answer.status != 200:
                yield f"{headers}: {answer}"
            ids[answer.json["id"]] = number
        lines = "".join(json.dumps(submission(receiver.url(), number)) + "\n" for number in (5, 6))
        headers = {"Content-Type": "application/jsonl", "traceparent": trace(5)}
        batch = client.request("POST", "/v1/batches", lines.encode(), headers).json["id"]
        results = client.request("GET", f"/v1/batches/{batch}/results").body.splitlines()
        ids |= {result["id"]: 4 + result["batch"]["line"] for result in map(json.loads, results)}
        daemon.kill()
        daemon.start()
        receiver.start()
        yield from told(receiver, ids)
        for event in receiver.events():
            found = (event.get("traceparent"), event.get("tracestate"))
            if found != expected[ids[event["subject"]]]:
                yield f"{ids[event['subject']]}: {found}"
        for evaluation_id in ids:
            ended(daemon.client(), evaluation_id)
        log = daemon.log(last=1 << 20).splitlines()
        for evaluation_id, number in ids.items():
            about = [line for line in log if f" {evaluation_id} " in line and "removing what is left" not in line]
            traced = [line for line in about if f" traceparent={expected[number][0]}" in line]
            if not any("webhook: delivered" in line for line in about) or len(about) < 3:
                yield f"the log does not tell of {evaluation_id}: {about}"
            if len(traced) != (len(about) if expected[number][0] else 0):
                yield f"{number}: {about}"


main(
    a_verdict_is_told_once_signed_with_every_secret,
    without_a_secret_nothing_is_signed,
    a_receiver_that_is_down_is_told_later,
    what_was_not_taken_is_sent_again_with_the_same_id,
    a_receiver_that_is_gone_is_told_no_more_until_a_client_asks,
    a_receiver_says_when_to_come_again,
    a_slow_receiver_and_a_silent_one_delay_nobody_else,
    a_daemon_that_is_killed_goes_on_where_it_was,
    what_is_pending_is_not_deleted_by_retention,
    a_private_network_is_refused_when_it_is_named_and_when_it_is_met,
    who_is_told_nothing_has_no_delivery,
    a_verdict_belongs_to_the_trace_of_its_submission,
)
