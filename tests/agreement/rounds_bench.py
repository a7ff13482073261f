"""How many rounds a second ten oracles decide: as many processes on loopback, mutual TLS, guards that sync, real keys.

    python -m tests.agreement.rounds_bench [--oracles 10] [--markets 1] [--seconds 10] [--share 0.99] ROUND_MS ...
    ./pants package 3rdparty/debian:amd64
    python -m tests.agreement.rounds_bench --rootfs dist/3rdparty.debian/amd64/rootfs.tar ... ROUND_MS ...

The second runs the oracles by the Python that nodes have in their images, which is faster than most developers' own.
Tries slots from the longest to the shortest and stops at the first in which fewer rounds than `--share` are decided by
every oracle. `markets` rounds run in each slot. Processor time is that of all oracles together.
"""

from __future__ import annotations

import argparse
import math
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx

from tests.agreement.history import History, samples, scrape
from tests.agreement.observing_node import MARKETS_VARIABLE
from tests.agreement.oracles import OracleProcesses
from tests.measuring.images_python import ROOTFS_HELP, run_by_images_python

_START_SECONDS = 120
_SETTLE_SECONDS = 3
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Sample:
    """What the oracles have done by one moment: `decided` by each, the rest by all together."""

    at: float
    decided: Sequence[float]
    failed: float
    duration_seconds: float
    sent: float
    cpu_seconds: float


def sample(network: OracleProcesses, client: httpx.Client) -> Sample:
    """Ask all of them. Reading the answers takes longer than a slot's rest, so that comes when all have answered."""
    decided, failed, sent, duration, cpu = [], 0.0, 0.0, 0.0, 0.0
    at = time.monotonic()
    told = [scrape(client, member) for member in network.oracles]
    for member in network.oracles:
        fields = Path(f"/proc/{network.process(member).pid}/stat").read_text().rpartition(")")[2].split()
        cpu += (int(fields[11]) + int(fields[12])) / _TICKS
    for text in told:
        rounds = samples(text, "noderr_consensus_rounds_total")
        decided.append(sum(count for labels, count in rounds.items() if labels == ("decided",)))
        failed += sum(count for labels, count in rounds.items() if labels != ("decided",))
        duration += sum(samples(text, "noderr_consensus_round_duration_seconds_sum").values())
        sent += sum(samples(text, "noderr_peer_sent_total").values())
    return Sample(at, decided, failed, duration, sent, cpu)


def measure(options: argparse.Namespace, round_ms: int, folder: Path) -> float:
    """Run the oracles with slots of this length, print, and return the share of rounds that all decided."""
    environ = {MARKETS_VARIABLE: str(options.markets), "NODEOS_LOG_LEVEL": "warning"}
    network = OracleProcesses(options.oracles, folder, round_ms=round_ms, environ=environ)
    with httpx.Client(timeout=10.0, trust_env=False) as client:
        try:
            for member in network.oracles:
                network.start(member)
            history, deadline = History(), time.monotonic() + _START_SECONDS
            while not all(history.by(member.name) for member in network.oracles):
                if time.monotonic() > deadline:
                    print(f"slots of {round_ms} ms: not every oracle has decided a round in {_START_SECONDS} s")
                    return 0.0
                time.sleep(0.5)
                history.look(client, network.oracles)
            time.sleep(_SETTLE_SECONDS)
            slots = math.ceil(1000 * options.seconds / round_ms)
            sample(network, client)  # The first opens the connections.
            _await_slot_end(network, round_ms)
            before = sample(network, client)
            time.sleep(max(before.at + slots * round_ms / 1000 - time.monotonic(), 0.0))
            after = sample(network, client)
        finally:
            network.down()
    seconds = after.at - before.at
    gained = [later - earlier for earlier, later in zip(before.decided, after.decided, strict=True)]
    due = slots * options.markets
    ended = sum(gained) + after.failed - before.failed
    cpu = after.cpu_seconds - before.cpu_seconds
    open_ms = 1000 * (after.duration_seconds - before.duration_seconds) / max(ended, 1)
    print(
        f"{options.oracles} oracles, {options.markets} markets, slots of {round_ms} ms: {min(gained) / seconds:.1f} "
        f"rounds/s decided by all, {100 * min(gained) / due:.1f} % of those due; open for {open_ms:.0f} ms in the "
        f"mean; a round costs "
        f"{1000 * cpu / max(min(gained), 1):.0f} ms of processor time and "
        f"{(after.sent - before.sent) / max(min(gained), 1):.0f} bundles; {cpu / seconds:.2f} cores busy",
        flush=True,
    )
    return float(min(gained) / due)


def _await_slot_end(network: OracleProcesses, round_ms: int) -> None:
    """Return in the last seventh of a slot, when a round that can be decided is."""
    into_slot_ms = (time.time_ns() - network.membership.genesis_ns) // 1_000_000 % round_ms
    time.sleep((0.86 * round_ms - into_slot_ms) % round_ms / 1000)


def main() -> int:
    """Parse the command line and measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("round_ms", type=int, nargs="+", help="lengths of slots in ms, tried from the longest")
    parser.add_argument("--oracles", type=int, default=10)
    parser.add_argument("--markets", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--share", type=float, default=0.99)
    parser.add_argument("--rootfs", type=Path, metavar="TAR", help=ROOTFS_HELP)
    options = parser.parse_args()
    if options.rootfs is not None:
        wishes = [f"--{name}={getattr(options, name)}" for name in ("oracles", "markets", "seconds", "share")]
        return run_by_images_python(
            "tests.agreement.rounds_bench", [*wishes, *map(str, options.round_ms)], options.rootfs
        )
    for round_ms in sorted(options.round_ms, reverse=True):
        with tempfile.TemporaryDirectory() as folder:
            if measure(options, round_ms, Path(folder)) < options.share:
                break
    return 0


if __name__ == "__main__":
    sys.exit(main())
