#!/usr/bin/python3
"""How fast a batch is beside single submissions at saturation, in turns and in one run, as a ratio of rates.

    bench/batch.py --assayd build/src/daemon/assayd --keeper build/src/keeper/assay-keeper [--programs 1000] [--rounds 3]
"""

import argparse
import json
import statistics
import sys
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from harness.daemon import Daemon

CLIENTS = 16
PROGRAM = {"command": ["true"]}


def single_rate(daemon, programs):
    """So many clients that there is always one that waits for a slot; each waits for its verdict."""
    share = programs // CLIENTS

    def submit():
        client = daemon.client()
        for _ in range(share):
            answer = client.submit(PROGRAM, wait=60)
            assert answer.status == 200, answer

    threads = [threading.Thread(target=submit) for _ in range(CLIENTS)]
    begun = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return share * CLIENTS / (time.monotonic() - begun)


def batch_rate(daemon, programs):
    """Until the last result was received."""
    client = daemon.client()
    body = (json.dumps(PROGRAM) + "\n").encode() * programs
    begun = time.monotonic()
    batch = client.request("POST", "/v1/batches", body, {"Content-Type": "application/jsonl"}).json["id"]
    results = client.request("GET", f"/v1/batches/{batch}/results").body
    seconds = time.monotonic() - begun
    assert results.count(b"\n") == programs, results[-500:]
    return programs / seconds


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--assayd", required=True)
    parser.add_argument("--keeper", required=True)
    parser.add_argument("--programs", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    ratios = []
    with Daemon(options.assayd, options.keeper) as daemon:
        single_rate(daemon, CLIENTS * 2)
        for _ in range(options.rounds):
            single, batch = single_rate(daemon, options.programs), batch_rate(daemon, options.programs)
            ratios.append(batch / single)
            print(f"single {single:.0f}/s, batch {batch:.0f}/s, ratio {ratios[-1]:.2f}", flush=True)
    print(f"median ratio {statistics.median(ratios):.2f}")


if __name__ == "__main__":
    main()
