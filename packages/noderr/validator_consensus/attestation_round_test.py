"""From a whole trade to the validators' certificate: four checks, one vote each, and what is remembered of it."""

from __future__ import annotations

import dataclasses
from decimal import Decimal
from pathlib import Path

from noderr.core.consensus.actions import Decided, Failed, Failure
from noderr.core.consensus.context import RoundContext
from noderr.core.consensus.testing import DOMAIN, NOW_NS, NOW_S, SECOND_NS, voter_set
from noderr.core.consensus.vote_round import VoteRound
from noderr.types.consensus import (
    AccountSignatures,
    Certificate,
    Choice,
    Signed,
    Vote,
    sign,
    verify_certificate,
)
from noderr.types.trading import Fill, Money
from noderr.utils import ManualClock
from noderr.validator_consensus.certificate_proof import CertificateRules
from noderr.validator_consensus.check_runner import CheckRunner
from noderr.validator_consensus.execution_band import ExecutionBandCheck
from noderr.validator_consensus.execution_testing import CONTRACT, KEYS, TRADE, TRANSACTION, KnownVoters, Trade
from noderr.validator_consensus.guardian_certificate import GuardianCertificateCheck
from noderr.validator_consensus.history import PastRound, RoundHealth, RoundHistory
from noderr.validator_consensus.liveness import LivenessTracker
from noderr.validator_consensus.oracle_certificate import OracleCertificateCheck
from noderr.validator_consensus.price_band import FeeBounds, PriceBand
from noderr.validator_consensus.settlement import SETTLED_TOPIC, SettlementCheck, SettlementLog, SettlementReceipt
from noderr.validator_consensus.verdict import attestation, check_attestation, verdict

VALIDATORS = voter_set(KEYS, tier=1, epoch=1)
FEE = Money(Decimal("12.8"), "USD")


@dataclasses.dataclass(frozen=True)
class World:
    """What one validator knows by itself: prices, fees, and the chain."""

    high: Decimal
    settled: bytes

    async def band(self, venue: str, symbol: str, from_ns: int, to_ns: int) -> PriceBand | None:
        return PriceBand(Decimal(63_000), self.high)

    async def fees(self, fill: Fill) -> FeeBounds | None:
        return FeeBounds(FEE, FEE)

    async def receipt(self, transaction: bytes) -> SettlementReceipt | None:
        log = SettlementLog(CONTRACT, (SETTLED_TOPIC, TRADE, self.settled))
        return SettlementReceipt(transaction=TRANSACTION, succeeded=True, to=CONTRACT, finalised=True, logs=(log,))


async def voted(validator: int, trade: Trade, world: World) -> Signed[Vote]:
    rules = CertificateRules(KnownVoters(), DOMAIN)
    runner = CheckRunner(
        [
            OracleCertificateCheck(rules),
            GuardianCertificateCheck(rules),
            ExecutionBandCheck(world, world),
            SettlementCheck(world, CONTRACT),
        ],
        ManualClock(NOW_NS),
    )
    said = verdict(await runner.run(trade.report, trade.evidence))
    return sign(attestation(trade.report, said, NOW_S + 60), KEYS[validator], DOMAIN)


def decided(votes: list[Signed[Vote]], trade: Trade) -> Certificate | Failure:
    """How one validator's round ends that hears these votes."""
    machine = VoteRound(
        RoundContext(KEYS[0].address, VALIDATORS, DOMAIN, AccountSignatures()),
        round_=trade.report.round,
        topic=trade.report.topic,
        deadline_ns=NOW_NS + 30 * SECOND_NS,
        resend_ns=SECOND_NS,
    )
    actions = [action for vote in votes for action in machine.on_message(vote, NOW_NS)]
    actions += machine.on_time(machine.deadline_ns)
    [end] = [action for action in actions if isinstance(action, Decided | Failed)]
    return end.certificate if isinstance(end, Decided) else end.failure


async def test_a_whole_trade_is_attested_and_remembered(tmp_path: Path) -> None:
    trade = Trade()
    world = World(Decimal(64_000), trade.execution.digest)
    certificate = decided([await voted(number, trade, world) for number in range(4)], trade)
    assert isinstance(certificate, Certificate)
    verify_certificate(certificate, VALIDATORS, DOMAIN, now_s=NOW_S)
    assert (certificate.choice, certificate.subject) == (Choice.APPROVE, trade.report.digest)
    assert {part.codes for part in certificate.signatures} == {0xF}
    tracker, history = LivenessTracker(tmp_path), RoundHistory(tmp_path)
    await tracker.record(certificate, VALIDATORS)
    await history.record(PastRound(certificate.round, certificate.topic, certificate.choice))
    assert [await tracker.participation_bps(key.address) for key in KEYS] == [10_000, 10_000, 10_000, 0]
    assert await history.health() == RoundHealth(1, 1)
    await tracker.close()
    await history.close()


async def test_one_validator_that_saw_other_prices_decides_nothing() -> None:
    trade = Trade()
    honest, blind = (World(Decimal(high), trade.execution.digest) for high in (64_000, 63_001))
    votes = [await voted(number, trade, blind if number == 0 else honest) for number in range(4)]
    assert check_attestation(votes[0].message).choice is Choice.REJECT
    certificate = decided(votes, trade)
    assert isinstance(certificate, Certificate)
    assert certificate.choice is Choice.APPROVE
    assert KEYS[0].address not in {part.voter for part in certificate.signatures}


async def test_a_lie_is_rejected_by_a_certificate_too() -> None:
    trade = Trade(proposal_changes={"expires_at_s": NOW_S + 1})
    world = World(Decimal(64_000), trade.execution.digest)
    certificate = decided([await voted(number, trade, world) for number in range(4)], trade)
    assert isinstance(certificate, Certificate)
    assert certificate.choice is Choice.REJECT
    assert {part.codes for part in certificate.signatures} == {0b0010 << 16 | 0b1101}


async def test_what_is_not_settled_yet_is_decided_by_nobody() -> None:
    trade = Trade(transaction=None)
    world = World(Decimal(64_000), trade.execution.digest)
    votes = [await voted(number, trade, world) for number in range(4)]
    assert {vote.message.choice for vote in votes} == {Choice.ABSTAIN}
    assert decided(votes, trade) is Failure.NO_MAJORITY
