#!/usr/bin/python3
"""The power is cut under load, again and again, at any moment: everything unsynced is lost, and the host comes up with another
boot id. Every evaluation that was acknowledged is there, with every verdict and every byte that a client was ever told; what was
open ends in its own verdict or is lost by the platform's fault, and what may be tried again is."""

import ctypes
import os
import signal
import time

from disk import LOG_FLUSH, NO_LOG_FLUSH, Disk, own_mounts
from load import Ledger, Load, attempts_max, settle, tell_again
from torture import Note, long, main
from harness import tap, traces
from harness.witness import Witness

CUTS = long(200, 6)
DISK_BYTES = 8 << 30  # of a file with holes: what is told is kept
CLIENTS = 7
TOLD_AGAIN = 40  # after each cut, besides all of those that were told since the one before; after the last, all
# How ext4 is mounted changes what a cut leaves: names without data, sizes without data, data that is stale.
MOUNT_OPTIONS = ("", "", "nodelalloc", "data=writeback", "data=journal", "commit=1", "noauto_da_alloc")


def another_boot(evidence, cut):
    """The kernel's boot id cannot be changed, so what a keeper wrote down of it is: from here on, its evidence is of another
    boot. A marker that is not whole is left as the cut left it."""
    digest = ctypes.CDLL("libxxhash.so.0").XXH3_64bits
    digest.restype, digest.argtypes = ctypes.c_uint64, [ctypes.c_char_p, ctypes.c_size_t]
    for marker in evidence.glob("assay-*/start"):
        lines = marker.read_bytes().splitlines(keepends=True)
        if len(lines) < 2 or not lines[-1].startswith(b"end "):
            continue
        lines = [b"boot_id_hash %d\n" % cut if line.startswith(b"boot_id_hash ") else line for line in lines[:-1]]
        text = b"".join(lines)
        marker.write_bytes(text + b"end %d\n" % digest(text, len(text)))


def kill_all(daemon):
    """All of the daemon's processes at once, as the power does."""
    for pid in traces.descendants():
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
    daemon.process.wait()
    traces.eventually(lambda: traces.reap() or list(traces.descendants()))


def one_cut(daemon, disk, ledger, chance, cut):
    """Load, the cut, and the next boot. Returns how it was cut."""
    flag, options = chance.choice((LOG_FLUSH, NO_LOG_FLUSH)), chance.choice(MOUNT_OPTIONS)
    how = f"cut {cut} {'with' if flag == LOG_FLUSH else 'without'} a flush of the journal, mounted with {disk.options!r}, then {options!r}"
    load = Load(daemon, ledger, CLIENTS)
    time.sleep(chance.uniform(0.05, 1.0))
    load.end()
    ledger.mark()
    disk.cut_power(flag)
    time.sleep(chance.choice((0, 0, 0.02, 0.1)))  # what still lives notices that its disk is gone, or not
    kill_all(daemon)
    load.join()
    ledger.back_to_mark()
    disk.unmount()
    disk.mount(options)
    another_boot(daemon.state / "evidence", cut)
    daemon.start()
    settle(daemon, ledger)
    return how


def what_was_told_is_true_after_every_power_cut(torture):
    chance, ledger, told_before = torture.random, Ledger(), set()
    daemon = torture.daemon(slots=3)
    with Witness() as witness, Disk(daemon.state, DISK_BYTES) as disk:
        with daemon:
            begun = time.monotonic()
            for cut in range(1, CUTS + 1):
                how = one_cut(daemon, disk, ledger, chance, cut)
                new = ledger.told.keys() - told_before
                old = chance.sample(sorted(told_before), min(TOLD_AGAIN, len(told_before)))
                tell_again(daemon, ledger, [*new, *old])
                told_before |= new
                if ledger.faults:
                    yield Note(f"{how}\n{daemon.log()}")
                    break
            seconds = (time.monotonic() - begun) / cut
            tell_again(daemon, ledger, sorted(ledger.told))
            yield from ledger.faults
            daemon.stop()
            traces.eventually(lambda: traces.reap() or list(traces.descendants()))
        disk.unmount()
        yield from disk.check()
        disk.mount()
    lost = [number for number, evaluation in ledger.told.items() if evaluation["status"] == "lost"]
    yield from (f"number {number} is lost, though it may be tried again" for number in lost if attempts_max(number) > 1)
    # A start marker is not synced: what began within the moment before the cut, and left nothing, begins anew.
    anew = sum(witness.starts[evaluation["id"]] > evaluation["attempt"] for evaluation in ledger.told.values())
    retried = sum(evaluation["attempt"] > 1 for evaluation in ledger.told.values())
    yield Note(f"{cut} cuts, {seconds:.1f} s each: {len(ledger.told)} verdicts told, {len(lost)} lost, {retried} tried again, "
               f"{anew} begun anew")


def main_with_disk():
    if reason := own_mounts():
        tap.skip_all(reason)
    main(what_was_told_is_true_after_every_power_cut, needs_witness=True)


main_with_disk()
