"""Server-sent events of assayd, as a client follows them."""

import base64
import json

from . import client


class Event:
    def __init__(self, name, data, id_):
        self.name = name
        self.data = data
        self.id = id_

    @property
    def bytes(self):
        """What an output event holds."""
        text = self.data["text"]
        return base64.b64decode(text, validate=True) if self.data["encoding"] == "base64" else text.encode()

    def __repr__(self):
        return f"{self.name} {self.id} {str(self.data)[:100]}"


class Stream:
    """One connection that follows; iterating gives the events until the server ends it. Raises OSError or HTTPException where
    the connection is lost."""

    def __init__(self, address, path, last_id=None, timeout=120):
        self.connection = client.Connection(address, timeout)
        self.connection.request("GET", path, headers={"Last-Event-ID": last_id} if last_id else {})
        self.response = self.connection.getresponse()
        self.status = self.response.status
        self.ids = []

    def __iter__(self):
        name, data, id_ = None, None, None
        while line := self.response.readline():
            line = line.rstrip(b"\n")
            if line.startswith(b"event: "):
                name = line[7:].decode()
            elif line.startswith(b"data: "):
                data = line[6:]
            elif line.startswith(b"id: "):
                id_ = line[4:].decode()
            elif not line and data is not None:
                self.ids.append(id_)
                yield Event(name, json.loads(data), id_)
                name, data = None, None

    def close(self):
        self.response.close()
        self.connection.close()


def follow(address, evaluation_id, last_id=None, query="", timeout=120):
    return Stream(address, f"/v1/evaluations/{evaluation_id}/events{query}", last_id, timeout)


def output(events, stream=None):
    """The bytes of both streams, or of one, in the order in which they were told."""
    return b"".join(event.bytes for event in events if event.name == "output" and stream in (None, event.data["stream"]))


def statuses(events):
    return [event.data["status"] for event in events if event.name in ("state", "end")]
