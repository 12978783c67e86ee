#!/usr/bin/python3
"""An assayd that runs nothing: the "code" of a submission is a JSON script that says how the evaluation ends, and how
oddly the server behaves on the way. It is a server within a test, or, as a program, a private daemon of `assay run`.

A script: {"verdict": {…}, "stdout": base64, "stderr": base64, "open": true, "odd": [what the next answers are], …}
"""

import base64
import http.server
import json
import os
import signal
import socket
import socketserver
import sys
import threading
import time
import urllib.parse

INLINE_BYTES_MAX = 1 << 20
PAGE = 2


def stream(data, omitted):
    text = data.decode("utf-8", "replace")
    shown = {"text": text, "encoding": "utf8", "lossy": text.encode() != data}
    if len(data) > INLINE_BYTES_MAX:
        shown = {"text": None, "inline": False}
    return shown | {"bytes": len(data) + omitted, "omitted_bytes": omitted, "truncated": omitted > 0}


class Evaluation:
    def __init__(self, number, submission):
        self.id = f"20261122_195800_{number:08x}"
        self.submission = submission
        self.script = self._script()
        self.finished = threading.Event()
        if not self.script.get("open"):
            self.finished.set()
        self.data = {name: base64.b64decode(self.script.get(name, "")) for name in ("stdout", "stderr", "compile")}
        self.data["output"] = self.data["stdout"] + self.data["stderr"]
        self.verdict = self.script.get("verdict", {"kind": "completed", "exit_code": 0, "signal": None})

    def _script(self):
        code = self.submission.get("code", "")
        try:
            return json.loads(code)
        except ValueError:
            return {}  # a test of what is submitted, not of how it ends

    def cancel(self):
        if not self.finished.is_set():
            self.verdict = {"kind": "cancelled", "exit_code": None, "signal": "SIGKILL", "reason": "a client asked"}
            self.finished.set()

    def events(self, with_output):
        """Of its end it is told when it has one."""
        yield "1.running.0", "state", {"status": "running"}
        for number, name in enumerate(("stdout", "stderr") if with_output else ()):
            if self.data[name]:
                text = base64.b64encode(self.data[name]).decode()
                yield f"1.running.{number + 1}", "output", {"stream": name, "text": text, "encoding": "base64"}
        self.finished.wait()
        yield "1.finished.3", "end", self.json()

    def json(self):
        shown = {"id": self.id, "status": "running", "created_at": "2026-11-22T19:58:00.000Z", "verdict": None,
                 "runtime": self.submission.get("runtime"), "labels": self.submission.get("labels", {}),
                 "isolation": self.script.get("isolation", "full")} | self.script.get("shown", {})
        if not self.finished.is_set():
            return shown
        omitted = self.script.get("omitted", 0)
        return shown | {"status": self.verdict["kind"], "verdict": self.verdict,
                        "stdout": stream(self.data["stdout"], omitted), "stderr": stream(self.data["stderr"], 0),
                        "usage": {"wall_time_ms": 12, "cpu_time_ms": 11, "memory_peak_bytes": 9 << 20}}


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def address_string(self):
        return "client"

    def answer(self, status, body, content_type="application/json"):
        if isinstance(body, (dict, list)):
            body = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def problem(self, status, detail, errors=()):
        self.answer(status, {"title": "trouble", "status": status, "detail": detail, "errors": list(errors)},
                    "application/problem+json")

    def odd(self):
        """Behaves as the next odd word says; false when there is none left."""
        if not self.server.odd:
            return False
        word = self.server.odd.pop(0)
        if word == "lose":
            self.connection.shutdown(socket.SHUT_RDWR)
            self.close_connection = True
        elif word == "cut":
            self.connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{")
            self.connection.shutdown(socket.SHUT_RDWR)
            self.close_connection = True
        elif word == "truncated":
            self.answer(200, b'{"id": "x", "ver')
        elif word == "array":
            self.answer(200, [])
        elif word == "html":
            self.answer(404, b"<html>no</html>", "text/html")
        elif word == "empty":
            self.answer(503, b"")
        elif word == "nonsense":
            self.connection.sendall(b"SSH-2.0-OpenSSH_9\r\n\r\n")
            self.connection.shutdown(socket.SHUT_RDWR)
            self.close_connection = True
        elif word == "problem":
            self.problem(400, "2 faults\x1b[31m", [{"path": "$.limits.memory_bytes", "message": "out of range"},
                                                {"path": "$.env", "message": "odd\x1b]0;x\x07"}])
        return True

    def parts(self):
        split = urllib.parse.urlsplit(self.path)
        return split.path.split("/")[1:], urllib.parse.parse_qs(split.query)

    def evaluation(self, id_):
        evaluation = self.server.evaluations.get(urllib.parse.unquote(id_))
        if not evaluation:
            self.problem(404, f"no evaluation {urllib.parse.unquote(id_)}")
        return evaluation

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        parts, _ = self.parts()
        self.server.requests.append(("POST", self.path, dict(self.headers)))
        if parts == ["v1", "evaluations"]:
            evaluation = self.server.accept(json.loads(body), self.headers["Idempotency-Key"])
            if not self.odd():
                self.answer(202, evaluation.json())
        elif len(parts) == 4 and parts[3] == "cancel":
            evaluation = self.evaluation(parts[2])
            if evaluation:
                if not evaluation.script.get("stubborn"):
                    evaluation.cancel()
                self.answer(202, evaluation.json())

    def do_GET(self):
        parts, query = self.parts()
        self.server.requests.append(("GET", self.path, dict(self.headers)))
        if parts == ["healthz"]:
            self.answer(200, {"status": "ok"})
        elif self.odd():
            return
        elif parts == ["v1", "runtimes"]:
            self.answer(200, {"runtimes": [{"name": "python", "aliases": ["python3", "py"], "file": "main.py"}]})
        elif parts == ["v1", "doctor"]:
            self.answer(200, self.server.report)
        elif parts == ["v1", "evaluations"]:
            self.list(query)
        elif len(parts) == 3:
            self.get(parts[2], query)
        elif len(parts) == 4 and parts[3] == "events":
            self.events(parts[2], query)
        elif len(parts) == 4:
            evaluation = self.evaluation(parts[2])
            if evaluation:
                self.answer(200, evaluation.data[parts[3]], "application/octet-stream")

    def get(self, id_, query):
        evaluation = self.evaluation(id_)
        if evaluation:
            self.server.trace("waited for\n")
            evaluation.finished.wait(float(query.get("wait", ["0"])[0]))
            self.answer(200, evaluation.json())

    def events(self, id_, query):
        evaluation = self.evaluation(id_)
        if not evaluation:
            return
        self.server.trace("waited for\n")
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        told = self.headers["Last-Event-ID"]
        for id_, name, data in evaluation.events("output" not in query):
            if told is None:
                self.wfile.write(f"event: {name}\nid: {id_}\ndata: {json.dumps(data)}\n\n".encode())
                if name == evaluation.script.get("cut_after"):
                    del evaluation.script["cut_after"]
                    self.wfile.write(b"event: output\ndata: {\"stream\": \"stdout\", \"text\": \"never")
                    return
            elif told == id_:
                told = None

    def list(self, query):
        newest_first = list(reversed(self.server.evaluations.values()))
        start, limit = int(query.get("cursor", ["0"])[0]), int(query.get("limit", ["50"])[0])
        end = start + min(limit, PAGE)
        cursor = str(end) if end < len(newest_first) else None
        self.answer(200, {"evaluations": [e.json() for e in newest_first[start:end]], "next_cursor": cursor})


class Fake(socketserver.ThreadingMixIn, socketserver.TCPServer):
    """Listens on "unix:PATH" or, without an address, on a free port of 127.0.0.1."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, address=None):
        unix = address and address.startswith("unix:")
        self.address_family = socket.AF_UNIX if unix else socket.AF_INET
        super().__init__(address[len("unix:"):] if unix else ("127.0.0.1", 0), Handler)
        self.address = address or f"http://127.0.0.1:{self.server_address[1]}"
        self.trace = lambda line: None
        self.evaluations, self.keys, self.requests, self.odd = {}, {}, [], []
        self.report = {"version": "9.9.9", "isolation": "full", "isolation_gaps": [], "checks": [
            {"name": "seccomp", "status": "ok", "explanation": "filters\x1b[2J are there"}]}
        self.lock = threading.Lock()

    def accept(self, submission, key):
        """The same key is the same evaluation."""
        with self.lock:
            if key not in self.keys:
                self.keys[key] = Evaluation(len(self.evaluations), submission)
                self.evaluations[self.keys[key].id] = self.keys[key]
                self.odd += self.keys[key].script.get("odd", [])
            return self.keys[key]

    def handle_error(self, request, client_address):
        pass  # clients that leave are part of the tests

    def __enter__(self):
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_):
        self.shutdown()
        self.server_close()

    @property
    def last(self):
        return list(self.evaluations.values())[-1]


def option(name):
    return sys.argv[sys.argv.index(name) + 1]


def main():
    """As a private daemon. FAKE_TRACE is told what becomes of it; FAKE_FAILS makes it end before it listens."""
    with open(os.environ["FAKE_TRACE"], "a", buffering=1) as trace:
        trace.write(f"pid {os.getpid()}\narguments {json.dumps(sys.argv[1:])}\n")
        if "FAKE_FAILS" in os.environ:
            sys.exit("no room at all")
        os.makedirs(option("--state-dir"))
        ended = threading.Event()
        signal.signal(signal.SIGTERM, lambda *_: ended.set())
        with Fake(option("--listen")) as fake:
            fake.trace = trace.write
            os.write(int(option("--ready-fd")), b"ready\n")
            while not ended.wait(0.05):
                pass
        trace.write("terminated\n")


if __name__ == "__main__":
    main()
