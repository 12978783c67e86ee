"""A receiver of webhooks, whose behaviour the test chooses, and which checks all that it is sent."""

import base64
import hashlib
import hmac
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Receiver:
    """Listens on a port of 127.0.0.1. `behave(attempt, event)` answers a status, or (status, headers), or None: it hangs up."""

    def __init__(self, secrets=(), behave=lambda attempt, event: 204):
        self.secrets = secrets
        self.behave = behave
        self.lock = threading.Lock()
        self.requests = []  # (time, headers, event, what it was answered with)
        self.faults = []
        self.port = 0
        self.server = None

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stop()

    def start(self):
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                receiver.take(self)

            def log_message(self, *_):
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 128

            def handle_error(self, *_):
                pass  # a daemon that was killed has hung up

        self.server = Server(("127.0.0.1", self.port), Handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, args=[0.02], daemon=True).start()

    def stop(self):
        if self.server:
            self.server.shutdown()
            self.server.server_close()
            self.server = None

    def url(self, path="/hook?a=b%20c"):
        return f"http://127.0.0.1:{self.port}{path}"

    def take(self, request):
        body = request.rfile.read(int(request.headers["Content-Length"]))
        event = json.loads(body)
        with self.lock:
            self.check(request, body, event)
            attempt = 1 + sum(event["id"] == other["id"] for _, _, other, _ in self.requests)
            entry = [time.monotonic(), request.headers, event, None]
            self.requests.append(entry)
        answer = self.behave(attempt, event)
        entry[3] = answer
        if answer is None:
            request.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")  # and then no more
            request.close_connection = True
            return
        status, headers = answer if isinstance(answer, tuple) else (answer, {})
        request.send_response(status)
        for name, value in headers.items():
            request.send_header(name, value)
        if status != 204:
            request.send_header("Content-Length", "0")
        request.end_headers()

    def check(self, request, body, event):
        headers = request.headers
        expected = {
            "Content-Type": "application/cloudevents+json; charset=utf-8",
            "webhook-id": event["id"],
            "traceparent": event.get("traceparent"),
            "tracestate": event.get("tracestate"),
        }
        self.faults += [f"{name} is {headers[name]}" for name, value in expected.items() if headers[name] != value]
        if event["specversion"] != "1.0" or event["type"] != "assay.evaluation.finished" or event["subject"] != event["data"]["id"]:
            self.faults.append(f"no such event: {event}")
        if event["id"] != "msg_" + event["data"]["id"]:
            self.faults.append(f"its id is another: {event['id']}")
        if abs(int(headers["webhook-timestamp"]) - time.time()) > 60:
            self.faults.append(f"the timestamp is {headers['webhook-timestamp']}")
        signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
        signatures = [
            "v1," + base64.b64encode(hmac.new(secret, signed, hashlib.sha256).digest()).decode() for secret in self.secrets
        ]
        if (headers["webhook-signature"] or "").split() != signatures:
            self.faults.append(f"the signature is {headers['webhook-signature']}, not {signatures}")

    def events(self):
        with self.lock:
            return [event for _, _, event, _ in self.requests]

    def wait_for(self, wanted, seconds=60):
        """Until `wanted(events)`; whether that came."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if wanted(self.events()):
                return True
            time.sleep(0.02)
        return False
