"""A small client of Assay's HTTP API, over a Unix socket or TCP."""

import http.client
import json
import socket
import time
import urllib.parse


class Connection(http.client.HTTPConnection):
    """HTTP to "unix:PATH" or "HOST:PORT"."""

    def __init__(self, address, timeout):
        self.address = address
        super().__init__("localhost", timeout=timeout)

    def connect(self):
        self.sock = connect(self.address, self.timeout)


def connect(address, timeout=None):
    """A connected socket, for tests that speak for themselves."""
    if address.startswith("unix:"):
        connected = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        # Before there is a timeout: a socket with one does not wait where the listener's backlog is full (unix(7)).
        connected.connect(address[len("unix:") :])
        connected.settimeout(timeout)
        return connected
    host, _, port = address.removeprefix("http://").rpartition(":")
    return socket.create_connection((host.strip("[]"), int(port)), timeout)


class Answer:
    """One response, read whole."""

    def __init__(self, response):
        self.status = response.status
        self.headers = response.headers
        self.body = response.read()

    @property
    def json(self):
        return json.loads(self.body)

    def __str__(self):
        return f"{self.status} {self.body[:500]!r}"


class Client:
    """Keeps one connection alive; not for several threads at once. Dials again once where the kept one turns out closed."""

    def __init__(self, address, timeout=120):
        self.address = address
        self.timeout = timeout
        self.connection = None

    def request(self, method, path, body=None, headers=None):
        if isinstance(body, (dict, list)):
            body = json.dumps(body).encode()
        headers = {"Content-Type": "application/json"} | (headers or {}) if body is not None else (headers or {})
        fresh = self.connection is None
        try:
            return self._request(method, path, body, headers)
        except (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError):
            # A kept connection may have been closed while it was idle. A request on a fresh one is not repeated.
            if fresh:
                raise
            return self._request(method, path, body, headers)

    def _dial(self):
        return Connection(self.address, self.timeout)

    def _request(self, method, path, body, headers):
        if self.connection is None:
            self.connection = self._dial()
        try:
            self.connection.request(method, path, body, headers)
            answer = Answer(self.connection.getresponse())
        except BaseException:
            self.close()
            raise
        if answer.headers.get("Connection", "").lower() == "close":
            self.close()
        return answer

    def close(self):
        if self.connection is not None:
            self.connection.close()
            self.connection = None

    def submit(self, submission, wait=None, **headers):
        query = f"?wait={wait}" if wait is not None else ""
        return self.request("POST", f"/v1/evaluations{query}", submission, headers)

    def get(self, evaluation_id, **query):
        suffix = "?" + urllib.parse.urlencode(query) if query else ""
        answer = self._let_in("GET", f"/v1/evaluations/{evaluation_id}{suffix}")
        if answer.status != 200:
            raise AssertionError(f"GET of {evaluation_id}: {answer}")
        return answer.json

    def _let_in(self, method, path):
        """Where all connections are busy, it is told to come again, and does."""
        deadline = time.monotonic() + self.timeout
        while (answer := self.request(method, path)).status == 503 and b"too many connections" in answer.body:
            if time.monotonic() > deadline:
                break
            time.sleep(0.1)
        return answer

    def finished(self, evaluation_id, seconds=120):
        """The evaluation once it has its verdict; waits for that, at most so long."""
        evaluation = self.get(evaluation_id, wait=seconds)
        if evaluation["verdict"] is None:
            raise AssertionError(f"{evaluation_id} has no verdict after {seconds} s, it is {evaluation['status']}")
        return evaluation

    def raw(self, evaluation_id, stream):
        """The kept bytes of "stdout", "stderr" or "output" (both, in the order written)."""
        answer = self._let_in("GET", f"/v1/evaluations/{evaluation_id}/{stream}")
        if answer.status != 200:
            raise AssertionError(f"GET of {stream} of {evaluation_id}: {answer}")
        return answer.body

    def cancel(self, evaluation_id):
        return self.request("POST", f"/v1/evaluations/{evaluation_id}/cancel")
