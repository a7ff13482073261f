"""What the oracles' protocol costs by itself: ten drivers in one process, bundles handed over in memory.

    python -m tests.agreement.protocol_bench [--oracles 10] [--rounds 50] [--markets 1] [--disk DIR] [--profile]

Signatures are real. The guards' journals are in memory unless `--disk` names a directory; then each record is synced.
A round begins when the one before is decided everywhere.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import cProfile
import os
import pstats
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import uvloop
from prometheus_client import CollectorRegistry

from noderr.core.consensus.actions import Decided, Failed
from noderr.core.consensus.context import RoundContext
from noderr.core.consensus.driver import Listener, RoundDriver
from noderr.core.consensus.guard import Guard, GuardedKey
from noderr.core.consensus.journal import Disk, FileDisk
from noderr.core.consensus.round import Round
from noderr.core.consensus.testing import ForgetfulDisk
from noderr.oracle_consensus.market import SECOND_NS, Timing
from noderr.oracle_consensus.oracle_round import OracleRound
from noderr.oracle_consensus.parts import oracle_codec
from noderr.telemetry import NodeMetrics
from noderr.types.consensus import AccountSignatures, VoterSet
from noderr.types.eip712 import Domain
from noderr.types.signing.account_key import AccountKey
from noderr.utils import SystemClock
from tests.agreement.observing_node import Rising, markets

_DOMAIN = Domain("NodeOS", "1", 31337, b"\xaa" * 20)
_ROUND_TIMEOUT_SECONDS = 20.0


class _MemoryOutbox:
    """Hands bundles to the other drivers in the loop's next turn."""

    def __init__(self, me: bytes, drivers: dict[bytes, RoundDriver]) -> None:
        self._me = me
        self._drivers = drivers
        self.bundles = self.bytes = 0

    def broadcast(self, bundle: bytes) -> None:
        for voter in self._drivers:
            if voter != self._me:
                self.send(voter, bundle)

    def send(self, voter: bytes, bundle: bytes) -> None:
        self.bundles += 1
        self.bytes += len(bundle)
        asyncio.get_running_loop().call_soon(self._drivers[voter].on_bundle, bundle)


class Committee:
    """All drivers, and how many of them have decided what is open."""

    def __init__(self, keys: Sequence[AccountKey], disks: Sequence[Disk], market_count: int) -> None:
        self.clock = SystemClock()
        self.voters = VoterSet(3, 1, {key.address: 1 for key in keys})
        self.markets = markets(market_count)
        self.number = 0
        self.drivers: dict[bytes, RoundDriver] = {}
        self.outboxes: list[_MemoryOutbox] = []
        self._left = 0
        self._over = asyncio.Event()
        for key, disk in zip(keys, disks, strict=True):
            self.outboxes.append(_MemoryOutbox(key.address, self.drivers))
            self.drivers[key.address] = RoundDriver(
                "oracle",
                GuardedKey(key, Guard(disk), _DOMAIN),
                oracle_codec(_DOMAIN),
                self.outboxes[-1],
                context=RoundContext(key.address, self.voters, _DOMAIN, AccountSignatures()),
                listener=Listener(self._decided, self._failed, lambda evidence: sys.exit(f"accused: {evidence}")),
                metrics=NodeMetrics(CollectorRegistry(), tier="oracle", version="1.0.0"),
                clock=self.clock,
                round_now=lambda: self.number,
                keep=8 * market_count,
            )

    async def run_rounds(self, count: int) -> list[float]:
        """Seconds of each; a round is over when all have decided all markets."""
        times = []
        for _ in range(count):
            began = time.perf_counter()
            await self._round()
            times.append(time.perf_counter() - began)
        return times

    async def _round(self) -> None:
        self.number += 1
        self._left = len(self.drivers) * len(self.markets)
        self._over.clear()
        start_ns = self.clock.now_ns()
        for address, driver in self.drivers.items():
            context = RoundContext(address, self.voters, _DOMAIN, AccountSignatures())
            for market in self.markets:
                order = self.voters.voters
                round_ = OracleRound(context, order, market, Timing(), round_=self.number, start_ns=start_ns)
                driver.open(round_)
                observation = await Rising(address).observe(market, start_ns // SECOND_NS)
                driver.do(round_, round_.observe(observation, os.urandom(32)))
        async with asyncio.timeout(_ROUND_TIMEOUT_SECONDS):
            await self._over.wait()

    def _decided(self, _round: Round, _decided: Decided) -> None:
        self._left -= 1
        if self._left == 0:
            self._over.set()

    def _failed(self, round_: Round, failed: Failed) -> None:
        sys.exit(f"round {round_.round} failed: {failed.failure}")


async def measure(options: argparse.Namespace, folder: Path) -> None:
    """Run the rounds and print what they took."""
    keys = [AccountKey(bytes([number]) * 32) for number in range(1, options.oracles + 1)]
    disks: list[Disk] = [
        ForgetfulDisk() if options.disk is None else FileDisk(folder / f"{number}.journal")
        for number in range(options.oracles)
    ]
    committee = Committee(keys, disks, options.markets)
    tasks = [asyncio.create_task(driver.run()) for driver in committee.drivers.values()]
    try:
        await committee.run_rounds(3)
        for outbox in committee.outboxes:
            outbox.bundles = outbox.bytes = 0
        cpu, began = time.process_time(), time.perf_counter()
        profile = cProfile.Profile() if options.profile else contextlib.nullcontext()
        with profile:
            times = await committee.run_rounds(options.rounds)
        seconds, cpu = time.perf_counter() - began, time.process_time() - cpu
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    decided = options.rounds * options.markets
    bundles = sum(outbox.bundles for outbox in committee.outboxes) / decided
    size = sum(outbox.bytes for outbox in committee.outboxes) / decided
    print(
        f"{options.oracles} oracles, {options.markets} markets, in memory, journals "
        f"{'in memory' if options.disk is None else 'synced'}: {decided / seconds:.1f} rounds/s decided by all, "
        f"{1000 * sorted(times)[len(times) // 2]:.1f} ms the median slot; a round costs {1000 * cpu / decided:.1f} ms "
        f"of processor time ({1000 * cpu / decided / options.oracles:.2f} ms an oracle), {bundles:.0f} bundles, "
        f"{size / 1000:.0f} kB"
    )
    if isinstance(profile, cProfile.Profile):
        pstats.Stats(profile).sort_stats("tottime").print_stats(40)


def main() -> None:
    """Parse the command line and measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--oracles", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=50)
    parser.add_argument("--markets", type=int, default=1)
    parser.add_argument("--disk", type=Path)
    parser.add_argument("--profile", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.disk) as folder:
        uvloop.run(measure(options, Path(folder)))


if __name__ == "__main__":
    main()
