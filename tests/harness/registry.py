"""A registry of container images on a loopback address, with the images that a test puts in. Docker pulls from it without TLS,
as from every registry on loopback. Manifests are of the "Image Manifest V 2, Schema 2"."""

import gzip
import hashlib
import http.server
import json
import threading

CONFIG_TYPE = "application/vnd.docker.container.image.v1+json"
LAYER_TYPE = "application/vnd.docker.image.rootfs.diff.tar.gzip"
MANIFEST_TYPE = "application/vnd.docker.distribution.manifest.v2+json"
CHUNK_BYTES = 16384


class Registry:
    """`bytes_per_second`: of layers; None: as fast as can be; 0: the first bytes of a layer come, and never any more."""

    def __init__(self):
        self.blobs = {}  # {digest: bytes}
        self.manifests = {}  # {(name, reference): bytes}
        self.layers = set()
        self.bytes_per_second = None
        self.requests = []
        self.stopped = threading.Event()
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.server.daemon_threads = True
        self.server.handle_error = lambda *_: None  # who has heard enough hangs up
        self.address = f"127.0.0.1:{self.server.server_port}"

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.stopped.set()
        self.server.shutdown()
        self.server.server_close()

    def put(self, name, tag, root, **config):
        """An image of one layer, `root`, a tar. Returns what to call it."""
        layer = gzip.compress(root, 1)
        document = {
            "architecture": "amd64", "os": "linux", "config": config,
            "rootfs": {"type": "layers", "diff_ids": [_digest(root)]}, "history": [{"created": "2026-01-01T00:00:00Z"}],
        }
        described = json.dumps(document).encode()
        manifest = json.dumps({
            "schemaVersion": 2, "mediaType": MANIFEST_TYPE, "config": self._put(CONFIG_TYPE, described),
            "layers": [self._put(LAYER_TYPE, layer)],
        }).encode()
        self.layers.add(_digest(layer))
        for reference in (tag, _digest(manifest)):
            self.manifests[name, reference] = manifest
        return f"{self.address}/{name}:{tag}"

    def _put(self, kind, blob):
        self.blobs[_digest(blob)] = blob
        return {"mediaType": kind, "size": len(blob), "digest": _digest(blob)}

    def _handler(self):
        registry = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                registry.requests.append(f"{self.command} {self.path}")
                name, _, reference = self.path.removeprefix("/v2/").rpartition("/")
                if self.path == "/v2/":
                    self.answer(200, "application/json", b"{}")
                elif name.endswith("/manifests") and (manifest := registry.manifests.get((name.removesuffix("/manifests"), reference))):
                    self.answer(200, MANIFEST_TYPE, manifest)
                elif name.endswith("/blobs") and reference in registry.blobs:
                    self.answer(200, "application/octet-stream", registry.blobs[reference], reference in registry.layers)
                else:
                    fault = {"errors": [{"code": "MANIFEST_UNKNOWN", "message": "manifest unknown"}]}
                    self.answer(404, "application/json", json.dumps(fault).encode())

            do_HEAD = do_GET

            def answer(self, status, kind, body, slowly=False):
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                self.send_header("Docker-Content-Digest", _digest(body))
                self.send_header("Docker-Distribution-Api-Version", "registry/2.0")
                self.end_headers()
                for offset in range(0, len(body) if self.command == "GET" else 0, CHUNK_BYTES):
                    if slowly and not registry.wait(CHUNK_BYTES):
                        self.close_connection = True
                        return
                    self.wfile.write(body[offset : offset + CHUNK_BYTES])

            def log_message(self, *_):
                pass

        return Handler

    def wait(self, size):
        """As long as so many bytes take. False when the registry is stopped meanwhile."""
        speed = self.bytes_per_second
        if speed is None:
            return not self.stopped.is_set()
        return not self.stopped.wait(size / speed if speed else None)


def _digest(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()
