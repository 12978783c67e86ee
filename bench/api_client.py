"""Calls to a Kubernetes API server: of asyncio, over so many kept connections, and with little of this process's time for each."""

import asyncio
import json
import ssl

PATCH = "application/strategic-merge-patch+json"


class Refusal(Exception):
    def __init__(self, what, status, body):
        super().__init__(f"{what}: {status} {body[:300]!r}")
        self.status = status


class Api:
    """`token`, or `certificate`: whom it speaks for, as text or as the paths of certificate and key."""

    def __init__(self, address, authority, agent, *, connections=16, token=None, certificate=None):
        self.address = address
        self.context = ssl.create_default_context(cafile=authority)
        if certificate:
            self.context.load_cert_chain(*certificate)
        authorization = f"Authorization: Bearer {token}\r\n" if token else ""
        self.head = f"Host: {address[0]}\r\nUser-Agent: {agent}\r\nAccept: application/json\r\n{authorization}"
        self.turns = asyncio.Semaphore(connections)
        self.idle = []

    async def call(self, method, path, body=None, kind="application/json", absent=False):
        """The JSON of the answer. `absent`: None where the answer is 404."""
        async with self.turns:
            reader, writer = self.idle.pop() if self.idle else await self._connect()
            self._send(writer, method, path, body, kind)
            status, headers = await _read_head(reader)
            answer = await _read_body(reader, headers)
            self.idle.append((reader, writer))
        if absent and status == 404:
            return None
        if status >= 300:
            raise Refusal(f"{method} {path}", status, answer)
        return json.loads(answer)

    async def watch(self, path, take, version):
        """Hands `take` each event from this version on, for as long as it is awaited."""
        separator = "&" if "?" in path else "?"
        while True:
            reader, writer = await self._connect()
            self._send(writer, "GET", f"{path}{separator}watch=true&resourceVersion={version}", None, "")
            status, _ = await _read_head(reader)
            if status != 200:
                raise Refusal(f"watch of {path}", status, b"")
            async for line in _lines(reader):
                event = json.loads(line)
                if event["type"] == "ERROR":
                    raise Refusal(f"watch of {path}", event["object"].get("code"), line)
                version = event["object"]["metadata"]["resourceVersion"]
                take(event["type"], event["object"])
            writer.close()

    async def _connect(self):
        return await asyncio.open_connection(*self.address, ssl=self.context, limit=1 << 24)

    def _send(self, writer, method, path, body, kind):
        data = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        about = f"Content-Type: {kind}\r\nContent-Length: {len(data)}\r\n" if data else ""
        writer.write(f"{method} {path} HTTP/1.1\r\n{self.head}{about}\r\n".encode() + data)


async def _read_head(reader):
    lines = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
    return int(lines[0].split()[1]), {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])}


async def _chunks(reader):
    while size := int(await reader.readline(), 16):
        yield (await reader.readexactly(size + 2))[:-2]
    await reader.readline()


async def _read_body(reader, headers):
    if "content-length" in headers:
        return await reader.readexactly(int(headers["content-length"]))
    return b"".join([chunk async for chunk in _chunks(reader)])


async def _lines(reader):
    rest = b""
    async for chunk in _chunks(reader):
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            yield line
