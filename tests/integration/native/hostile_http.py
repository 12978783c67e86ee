#!/usr/bin/python3
"""Clients that mean harm leave the service answering others: so many idle connections that there is room for no more, heads and
bodies that come a byte at a time, floods of pipelined, oversized and unauthorised requests."""

import contextlib
import multiprocessing
import resource
import statistics
import time

from scenario import main

from harness import client as http

CONNECTIONS_MAX = 10_000
SAMPLES = 100
# Of the answers under attack to those without one, both medians. The attack needs processors too, and there may be few.
TIMES_MAX = 20
HOST = b"Host: h\r\n"


def answered_ms(address, ask):
    """The median of how long an answer takes over a kept connection and, every other time, over a new one."""
    kept, times = http.Client(address, 60), []
    for number in range(SAMPLES):
        client = http.Client(address, 60) if number % 2 else kept
        begun = time.monotonic()
        answer = ask(client)
        times.append((time.monotonic() - begun) * 1000)
        if answer.status != 200:
            raise AssertionError(f"{number}: {answer}")
        if client is not kept:
            client.close()
        time.sleep(0.01)
    return statistics.median(times)


@contextlib.contextmanager
def attack(how, address):
    """In a process of its own, until the end of the block, which begins when the attack is under way."""
    context = multiprocessing.get_context("fork")
    under_way, over = context.Event(), context.Event()
    attacker = context.Process(target=how, args=(address, under_way, over), daemon=True)
    attacker.start()
    try:
        if not under_way.wait(120):
            raise AssertionError(f"{how.__name__} does not begin")
        yield
        if not attacker.is_alive():
            raise AssertionError(f"{how.__name__} has ended by itself")
    finally:
        over.set()
        attacker.join(30)
        attacker.kill()
        attacker.join()


def idle(address, under_way, over):
    """More connections than are let in, without a byte."""
    kept = [http.connect(address, 60) for _ in range(CONNECTIONS_MAX + 500)]
    under_way.set()
    over.wait()
    del kept


def trickling(beginning):
    """A thousand clients that send a byte of it now and then, and begin anew where they are closed."""

    def attacks(address, under_way, over):
        sockets = [None] * 1000
        while not over.is_set():
            for number, socket in enumerate(sockets):
                try:
                    if socket:
                        socket.send(b"a")
                    else:
                        sockets[number] = http.connect(address, 60)
                        sockets[number].sendall(beginning)
                except OSError:
                    socket and socket.close()
                    sockets[number] = None
            under_way.set()
            over.wait(0.2)

    return attacks


def flooding(request, at_once):
    """One after the other, as fast as they are taken, and nothing is read but that it is over."""

    def attacks(address, under_way, over):
        while not over.is_set():
            with http.connect(address, 60) as socket, contextlib.suppress(OSError):
                socket.sendall(request * at_once)
                while not over.is_set() and socket.recv(1 << 16):
                    under_way.set()

    return attacks


ATTACKS = {
    "idle connections": idle,
    "slow heads": trickling(b"GET /v1/evaluations HTTP/1.1\r\n" + HOST + b"X-Slow: "),
    "slow bodies": trickling(b"POST /v1/evaluations HTTP/1.1\r\n" + HOST + b"Content-Length: 1000000\r\n\r\n"),
    "pipelined requests": flooding(b"GET /healthz HTTP/1.1\r\n" + HOST + b"\r\n", 1000),
    "huge heads": flooding(b"GET /healthz HTTP/1.1\r\n" + HOST + b"X-Huge: " + b"a" * 1_000_000, 1),
    "huge bodies": flooding(b"POST /v1/evaluations HTTP/1.1\r\n" + HOST + b"Content-Length: 9999999999\r\n\r\n" + b"a" * 100_000, 1),
    "bodies that are no submissions": flooding(
        b"POST /v1/evaluations HTTP/1.1\r\n" + HOST + b"Content-Length: 100000\r\n\r\n" + b"[" * 100_000, 1),
}
GUESSES = flooding(b"GET /v1/evaluations HTTP/1.1\r\n" + HOST + b"Authorization: Bearer assay_" + b"1" * 64 + b"\r\n\r\n", 100)


def tcp(daemon):
    return next(address for address in daemon.addresses if not address.startswith("unix:"))


def others_are_answered_meanwhile(scenario):
    with scenario.daemon(options=["--listen", "127.0.0.1:0"], slots=1) as daemon:
        yield from compared(tcp(daemon), ATTACKS, lambda client: client.request("GET", "/healthz"))


def who_has_a_token_is_answered_while_others_guess(scenario):
    with scenario.daemon(options=["--auth", "required", "--listen", "127.0.0.1:0"], slots=1) as daemon:
        made = daemon.client().request("POST", "/v1/tokens", {"name": "honest", "scopes": ["read"]}).json["token"]
        bearer = {"Authorization": f"Bearer {made}"}

        def ask(client):
            return client.request("GET", "/v1/evaluations?limit=1", headers=bearer)

        yield from compared(tcp(daemon), {"guesses": GUESSES}, ask)


def compared(address, attacks, ask):
    before = answered_ms(address, ask)
    for name, how in attacks.items():
        with attack(how, address):
            during = answered_ms(address, ask)
        print(f"# {name}: {during:.1f} ms, {during / before:.1f} times the {before:.1f} ms without", flush=True)
        if during > TIMES_MAX * before:
            yield f"{name}: others are answered after {during:.1f} ms, and after {before:.1f} ms without"


if __name__ == "__main__":
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    main(others_are_answered_meanwhile, who_has_a_token_is_answered_while_others_guess)
