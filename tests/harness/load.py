"""Clients that go on submitting while a daemon comes and goes."""

import http.client
import threading
import time


class Load:
    """So many clients, each of which submits one program after another, `wait` seconds apart: `submission(number)`. A 202 is a
    promise; what was not answered is submitted again under its key, and is the same evaluation or a new one."""

    def __init__(self, daemon, clients, wait, submission):
        self.daemon, self.clients, self.wait, self.submission = daemon, clients, wait, submission
        self.ids = {}
        self.faults = []
        self.done = threading.Event()
        self.threads = [threading.Thread(target=self._work, args=[first], daemon=True) for first in range(clients)]
        for thread in self.threads:
            thread.start()

    def end(self):
        """The ids of what was accepted, by number."""
        self.done.set()
        for thread in self.threads:
            thread.join()
        if self.faults:
            raise AssertionError(self.faults)
        return dict(self.ids)

    def _work(self, number):
        client = self.daemon.client(timeout=30)
        while not self.done.is_set():
            try:
                answer = client.submit(self.submission(number), **{"Idempotency-Key": f"key-{number}"})
            except (OSError, http.client.HTTPException):
                client.close()
                time.sleep(0.02)
                continue
            if answer.status == 429:
                time.sleep(0.2)
            elif answer.status in (200, 202):
                self.ids[number] = answer.json["id"]
                number += self.clients
                time.sleep(self.wait)
            else:
                self.faults.append(f"number {number} was answered {answer}")
                return
