"""For tests: a driver with a real guard, a clock that is turned by hand, and an outbox that keeps what is sent."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from typing import Any

from prometheus_client import CollectorRegistry

from noderr.core.consensus.actions import Decided, Failed, Payload
from noderr.core.consensus.codec import Codec
from noderr.core.consensus.context import RoundContext
from noderr.core.consensus.driver import Listener, RoundDriver
from noderr.core.consensus.guard import Guard, GuardedKey
from noderr.core.consensus.round import Round
from noderr.core.consensus.signing_queue import Signer
from noderr.core.consensus.testing import (
    DOMAIN,
    NOW_NS,
    SECOND_NS,
    CountingSignatures,
    ForgetfulDisk,
    keys,
    vote,
    voter_set,
)
from noderr.core.consensus.vote_round import VoteRound
from noderr.telemetry import NodeMetrics
from noderr.types.consensus import Evidence, ProtocolMessage, RefusedMessage, Signed, Vote, sign
from noderr.utils import ManualClock

KEYS = keys(4)
VOTERS = voter_set(KEYS)
ROUND = 5
DEADLINE_SECONDS = 10


class DriverRig:
    """The driver of the first of four voters, in round 5. `bundles` are what it broadcast, read again."""

    def __init__(self, *, signer: Signer | None = None, keep: int = 8) -> None:
        self.clock = ManualClock(NOW_NS)
        self.metrics = NodeMetrics(CollectorRegistry(), tier="oracle", version="1.2.3")
        self.disk = ForgetfulDisk()
        self.guard = Guard(self.disk)
        self.codec = Codec(DOMAIN)
        self.round_now = ROUND
        self.signatures = CountingSignatures()
        self.context = RoundContext(KEYS[0].address, VOTERS, DOMAIN, self.signatures)
        self.bundles: list[list[Payload]] = []
        self.sent: list[tuple[bytes, list[Payload]]] = []
        self.on_disk: list[bytes] = []
        self.decided: list[Decided] = []
        self.failed: list[Failed] = []
        self.accused: list[Evidence[ProtocolMessage]] = []
        self.driver = RoundDriver(
            "oracle",
            signer or GuardedKey(KEYS[0], self.guard, DOMAIN),
            self.codec,
            self,
            context=self.context,
            listener=Listener(self._on_decided, self._on_failed, self.accused.append),
            metrics=self.metrics,
            clock=self.clock,
            round_now=lambda: self.round_now,
            keep=keep,
        )

    def broadcast(self, bundle: bytes) -> None:
        """An `Outbox`: notes what the disk knew when this was sent."""
        self.on_disk.append(self.disk.synced)
        self.bundles.append(self._read(bundle))

    def send(self, voter: bytes, bundle: bytes) -> None:
        self.sent.append((voter, self._read(bundle)))

    def open(self, number: int = ROUND, topic: bytes = b"\1" * 32) -> VoteRound:
        """A round that ends in ten seconds."""
        round_ = VoteRound(
            self.context,
            round_=number,
            topic=topic,
            deadline_ns=self.clock.now_ns() + DEADLINE_SECONDS * SECOND_NS,
            resend_ns=SECOND_NS,
        )
        self.driver.open(round_)
        return round_

    def cast(self, round_: VoteRound, **changes: Any) -> None:
        """Have this voter vote in the round."""
        self.driver.do(round_, round_.vote(vote(round=round_.round, topic=round_.topic, **changes)))

    def deliver(self, *payloads: Payload) -> RefusedMessage | None:
        """A peer delivers these in one bundle."""
        return self.driver.on_bundle(self.codec.encode(payloads))

    def refused(self) -> dict[str, int]:
        """How many messages did not count, by reason."""
        return {
            sample.labels["reason"]: int(sample.value)
            for family in self.metrics.registry.collect()
            for sample in family.samples
            if sample.name == "noderr_consensus_refused_total" and sample.value
        }

    def count(self, name: str, **labels: str) -> float:
        """The value of noderr_consensus_`name`."""
        value = self.metrics.registry.get_sample_value(f"noderr_consensus_{name}", {"protocol": "oracle"} | labels)
        return value or 0.0

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[asyncio.Task[None]]:
        """The driver runs; what ends it is raised at the end of the block."""
        task = asyncio.create_task(self.driver.run())
        try:
            yield task
        finally:
            task.cancel()
            done, _ = await asyncio.wait([task], timeout=5)
            assert done, "the driver does not end"
            if not task.cancelled():
                task.result()

    def _on_decided(self, _round: Round, decided: Decided) -> None:
        self.decided.append(decided)

    def _on_failed(self, _round: Round, failed: Failed) -> None:
        self.failed.append(failed)

    def _read(self, bundle: bytes) -> list[Payload]:
        read = []
        for one in self.codec.decode(bundle):
            assert not isinstance(one, RefusedMessage), one
            read.append(one)
        return read


def signed(voter: int, **changes: Any) -> Signed[Vote]:
    """The vote of this voter in round 5."""
    return sign(vote(**changes), KEYS[voter], DOMAIN)


async def until(condition: Callable[[], bool]) -> None:
    """Wait for what a thread does."""
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110  (a thread tells nobody)
            await asyncio.sleep(0.001)
