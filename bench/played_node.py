"""A node of a Kubernetes cluster, without a kubelet and a container: what an API server sees of one whose pods are started at once,
and end at once as if each program had printed a line. What each leaves is as a keeper writes it (pod_evidence.c), with the key
out of the pod's own Secret.

It does for each pod what a kubelet does that concerns others: reads the Secret, says that it runs and that it has ended, serves its log,
and removes it where it is deleted.
"""

import asyncio
import datetime
import json
import ssl
import sys

from api_client import PATCH, Api

GRANT = "assay/granted"  # without which an init container of Assay's does not end
LEASES = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases"
LEASE_SECONDS, RENEW_SECONDS = 40, 10
PLENTY = {"cpu": "100000", "memory": "1000Ti", "ephemeral-storage": "1000Ti", "pods": "100000"}


def now():
    return datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


class Node:
    """`evidence`: the program that writes it."""

    def __init__(self, name, address, port, pki, server, evidence):
        self.name, self.address, self.port, self.pki = name, address, port, pki
        self.api = Api(server, f"{pki}/ca.crt", "played-node", certificate=(f"{pki}/admin.crt", f"{pki}/admin.key"))
        self.program, self.evidence = evidence, None
        self.writing = asyncio.Lock()
        self.begun, self.removed, self.logs = set(), set(), {}
        self.tasks = set()

    async def run(self):
        pipe = asyncio.subprocess.PIPE
        self.evidence = await asyncio.create_subprocess_exec(self.program, stdin=pipe, stdout=pipe)
        await self._serve_logs()
        await self._register()
        path = f"/api/v1/pods?fieldSelector=spec.nodeName%3D{self.name}"
        version = (await self.api.call("GET", path))["metadata"]["resourceVersion"]
        print("ready", flush=True)
        await asyncio.gather(self._renew_lease(), self.api.watch(path, self._take, version))

    # The node.

    async def _register(self):
        await self.api.call("POST", "/api/v1/nodes", {"metadata": {"name": self.name, "labels": {"kubernetes.io/hostname": self.name}}})
        await self.api.call("PATCH", f"/api/v1/nodes/{self.name}/status", {"status": {
            "capacity": PLENTY, "allocatable": PLENTY, "addresses": [{"type": "InternalIP", "address": self.address}],
            "daemonEndpoints": {"kubeletEndpoint": {"Port": self.port}},
            "conditions": [{
                "type": "Ready", "status": "True", "reason": "KubeletReady", "lastHeartbeatTime": now(), "lastTransitionTime": now(),
            }],
        }}, PATCH)
        await self.api.call("POST", LEASES, {
            "metadata": {"name": self.name}, "spec": {"holderIdentity": self.name, "leaseDurationSeconds": LEASE_SECONDS} | self._renewal(),
        })

    async def _renew_lease(self):
        while True:
            await self.api.call("PATCH", f"{LEASES}/{self.name}", {"spec": self._renewal()}, PATCH)
            await asyncio.sleep(RENEW_SECONDS)

    def _renewal(self):
        return {"renewTime": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")}

    # Pods.

    def _take(self, kind, pod):
        name, metadata = pod["metadata"]["name"], pod["metadata"]
        if kind == "DELETED":
            self.logs.pop(name, None)
            self.begun.discard(metadata["uid"])
            self.removed.discard(metadata["uid"])
        elif metadata.get("deletionTimestamp"):
            if metadata["deletionGracePeriodSeconds"] and metadata["uid"] not in self.removed:
                self.removed.add(metadata["uid"])
                self._spawn(self._remove(metadata))
        elif metadata["uid"] not in self.begun and GRANT in metadata.get("annotations", {}):
            self.begun.add(metadata["uid"])
            self._spawn(self._play(pod))

    def _spawn(self, work):
        task = asyncio.create_task(work)
        self.tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task):
        self.tasks.discard(task)
        if error := task.exception():
            print(f"played node: {error!r}", file=sys.stderr, flush=True)

    async def _play(self, pod):
        metadata, spec = pod["metadata"], pod["spec"]
        path = f"/api/v1/namespaces/{metadata['namespace']}"
        plan = next(volume for volume in spec["volumes"] if volume["name"] == "plan")
        secret = await self.api.call("GET", f"{path}/secrets/{plan['projected']['sources'][0]['secret']['name']}", absent=True)
        status_path = f"{path}/pods/{metadata['name']}/status"
        begun = now()
        if not secret:
            failed = [_container(spec["initContainers"][0], terminated=_ending(begun, 1))]
            status = {"phase": "Failed", "startTime": begun, "initContainerStatuses": failed}
            await self.api.call("PATCH", status_path, {"status": status}, PATCH, absent=True)
            return
        log = await self._make_evidence(secret["data"]["key"])
        self.logs[metadata["name"]] = log
        installed = [_container(spec["initContainers"][0], terminated=_ending(begun, 0))]
        addresses = {"hostIP": self.address, "podIP": self.address, "podIPs": [{"ip": self.address}]}
        await self.api.call("PATCH", status_path, {"status": {
            "phase": "Running", "startTime": begun, "conditions": _conditions("True"), "initContainerStatuses": installed,
            "containerStatuses": [_container(spec["containers"][0], running={"startedAt": begun})],
        } | addresses}, PATCH)
        await self.api.call("PATCH", status_path, {"status": {
            "phase": "Succeeded", "conditions": _conditions("False", "PodCompleted"),
            "containerStatuses": [_container(spec["containers"][0], terminated=_ending(begun, 0, log.decode()))],
        }}, PATCH)

    async def _make_evidence(self, key):
        async with self.writing:
            self.evidence.stdin.write(key.encode() + b"\n")
            return b"".join([await self.evidence.stdout.readline() for _ in range(3)])

    async def _remove(self, metadata):
        body = {"gracePeriodSeconds": 0, "preconditions": {"uid": metadata["uid"]}}
        await self.api.call("DELETE", f"/api/v1/namespaces/{metadata['namespace']}/pods/{metadata['name']}", body, absent=True)

    # Logs: GET /containerLogs/NAMESPACE/POD/CONTAINER, of which there is nothing more to follow once it is there.

    async def _serve_logs(self):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(f"{self.pki}/kubelet.crt", f"{self.pki}/kubelet.key")
        await asyncio.start_server(self._answer, self.address, self.port, ssl=context)

    async def _answer(self, reader, writer):
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                log = self.logs.get(head.split()[1].decode().split("/")[3])
                status = "404 Not Found" if log is None else "200 OK"
                log = log or b""
                about = f"Content-Type: text/plain\r\nContent-Length: {len(log)}\r\n"
                writer.write(f"HTTP/1.1 {status}\r\n{about}\r\n".encode() + log)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()


def _container(container, **state):
    running = "running" in state
    return {
        "name": container["name"], "image": container["image"], "imageID": container["image"], "containerID": "played://0",
        "restartCount": 0, "ready": running, "started": running,
        "state": {kind: None for kind in ("waiting", "running", "terminated")} | state,
    }


def _ending(begun, code, message=""):
    return {"exitCode": code, "reason": "Error" if code else "Completed", "message": message, "startedAt": begun, "finishedAt": now()}


def _conditions(ready, reason=""):
    return [
        {"type": kind, "status": status, "reason": reason, "lastTransitionTime": now()}
        for kind, status in {"Initialized": "True", "Ready": ready, "ContainersReady": ready}.items()
    ]


def main():
    asyncio.run(Node(**json.loads(sys.argv[1])).run())


if __name__ == "__main__":
    main()
