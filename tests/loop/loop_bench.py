"""What the loop costs in processor time, from the oracles' decision to the order: all nodes on one core, links of 0 ms.

    python -m tests.loop.loop_bench --recordings DIR

The peer is what no node can leave out: the signatures that are made and checked on that way, by the same library.
"""

from __future__ import annotations

import argparse
import copy
import statistics
import sys
import tempfile
import time
from pathlib import Path

import structlog

from noderr.types.signing.account_key import AccountKey, recover_address
from tests.loop.journal import ReplayJournal
from tests.loop.options import ReplayOptions
from tests.loop.recorded_market import read_kraken
from tests.loop.world import World

_DIGEST = b"\7" * 32


class TimedJournal(ReplayJournal):
    """Remembers when each entry was made, in seconds of the processor's clock; that is no part of the journal."""

    def __init__(self) -> None:
        super().__init__()
        self.made: list[float] = []

    def add(self, at_ns: int, node: str, kind: str, **facts: object) -> None:
        self.made.append(time.perf_counter())
        super().add(at_ns, node, kind, **facts)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--recordings", type=Path, required=True, metavar="DIR")
    given = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(40))
    market = read_kraken(given.recordings)
    options = copy.replace(ReplayOptions(seed=7), link_least_ns=0, link_most_ns=0, feed_most_ns=0)
    journal = TimedJournal()
    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        world = World(market, options, Path(folder), journal)
        try:
            world.run()
        finally:
            world.close()
    whole = time.perf_counter() - began
    decided: dict[tuple[object, object], float] = {}
    proposed: dict[object, float] = {}
    paths = []
    for made, entry in zip(journal.made, journal.entries, strict=True):
        facts = entry.facts
        match entry.kind:
            case "agreed":
                decided.setdefault((facts["symbol"], facts["round"]), made)
            case "proposed":
                proposed[facts["trade"]] = decided[facts["symbol"], facts["signal_round"]]
            case "order":
                if (start := proposed.pop(facts["trade"], None)) is not None:
                    paths.append(made - start)
    one = _signature_seconds()
    # On the way: each validator's desk checks the oracles' three; each guardian signs, and checks the others' and its
    # own; the desk checks the guardians' three twice and the oracles' three once more.
    guardians = options.guardians
    least = one * (3 + guardians * guardians + 9)
    if not paths:
        print("no order was sent: nothing to measure")
        return 1
    print(f"{len(paths)} orders; {len(market.frames)} frames for {options.validators} validators in {whole:.2f} s")
    print(f"decision to order: p50 {statistics.median(paths) * 1e3:.2f} ms, most {max(paths) * 1e3:.2f} ms")
    print(f"the signatures on that way alone: {least * 1e3:.2f} ms; ratio {least / statistics.median(paths):.2f}")
    return 0


def _signature_seconds() -> float:
    """One recovery of a signer."""
    signature = AccountKey(b"\1" * 32).sign(_DIGEST)
    began = time.perf_counter()
    for _ in range(2_000):
        recover_address(_DIGEST, signature)
    return (time.perf_counter() - began) / 2_000


if __name__ == "__main__":
    sys.exit(main())
