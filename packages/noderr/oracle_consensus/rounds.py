"""The oracles' rounds: one a market in every slot of time, with what this node's models see, or an abstention."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Sequence
from typing import Protocol

import structlog

from noderr.core.consensus.actions import Decided
from noderr.core.consensus.handover import SIGNAL_TOPIC, TierNodes
from noderr.core.consensus.round import Round
from noderr.core.consensus.voter import Voter
from noderr.core.peers import PeerNetwork
from noderr.oracle_consensus.epoch_draw import check_draw, read_draw
from noderr.oracle_consensus.errors import CommitteeError
from noderr.oracle_consensus.market import Market, Timing
from noderr.oracle_consensus.messages import ABSTENTION, Observation
from noderr.oracle_consensus.oracle_round import OracleRound
from noderr.types.consensus.agreed_signal import AgreedSignal
from noderr.types.consensus.signal_decision import SignalDecision, signal_decision_to_wire
from noderr.types.tier_numbers import VALIDATOR_TIER

_log = structlog.get_logger("noderr.oracle_consensus")

_SECOND_NS = 1_000_000_000
_SALT_BYTES = 32

MAX_ORACLES = 80
"""Two reports of so many fit a bundle, each reveal with the commitments of all: the evidence against a leader."""


class Observer(Protocol):
    """Where observations come from."""

    async def observe(self, market: Market, at_s: int) -> Observation:
        """What it sees for the round that began at `at_s` (Unix seconds); an abstention when it sees nothing."""

    def missing(self) -> Sequence[str]:
        """What it lacks to see anything, in words."""


class Blind:
    """Stands where no market is named: it abstains, and says why."""

    async def observe(self, market: Market, at_s: int) -> Observation:
        return ABSTENTION

    def missing(self) -> Sequence[str]:
        return ("no market is named to observe: NODEOS_MARKETS is not set, and this oracle abstains in every round",)


class OracleRounds:
    """A `RoundSource`. `markets` are the same for all oracles."""

    def __init__(self, markets: Sequence[Market], observer: Observer, peers: PeerNetwork | None = None) -> None:
        """What is agreed on goes to the validators among `peers`, if these are given."""
        self._peers = peers
        self._validators: TierNodes | None = None
        self._markets = tuple(markets)
        self._observer = observer
        self._unbalanced: str | None = None

    async def run(self, voter: Voter) -> None:
        voter.on_decided = self._on_decided
        if self._peers is not None:
            self._validators = TierNodes(self._peers, voter.membership, VALIDATOR_TIER)
        voters = voter.context.voters
        leaders = await asyncio.to_thread(_leaders, voter)
        if 3 * max(voters.weights.values()) >= voters.total:
            self._unbalanced = "one oracle has a third of the weight or more: without it nothing can be agreed on"
        async with asyncio.TaskGroup() as tasks:
            # The slot that is under way when this node starts is left out: the guard refuses it anyway.
            number = max(voter.round_now() + 1, 0)
            while True:
                while (left_ns := voter.start_ns(number) - voter.clock.now_ns()) > 0:
                    await voter.clock.sleep(left_ns / _SECOND_NS)  # It may wake a little early.
                # Who was held up goes on with the slot that it is.
                number = max(number, voter.round_now())
                for market in self._markets:
                    tasks.create_task(self._take_part(voter, self._open(voter, leaders, market, number), market))
                number += 1

    def missing(self) -> Sequence[str]:
        return [*self._observer.missing(), *([self._unbalanced] if self._unbalanced else [])]

    def _open(self, voter: Voter, leaders: Sequence[bytes], market: Market, number: int) -> OracleRound:
        round_ = OracleRound(
            voter.context,
            leaders,
            market,
            Timing.fitting(voter.period_ns),
            round_=number,
            start_ns=voter.start_ns(number),
        )
        voter.driver.open(round_)
        return round_

    async def _take_part(self, voter: Voter, round_: OracleRound, market: Market) -> None:
        try:
            observation = await self._observer.observe(market, round_.start_ns // _SECOND_NS)
        except Exception as error:  # A model that fails is no reason to stop agreeing with the others.
            _log.error("not_observed", market=market.symbol, round=round_.round, exc_info=error)
            observation = ABSTENTION
        voter.driver.do(round_, round_.observe(observation, secrets.token_bytes(_SALT_BYTES)))

    def _on_decided(self, _round: Round, decided: Decided) -> str | None:
        """Tell the validators; in words for people."""
        agreed = decided.content
        if not isinstance(agreed, AgreedSignal):
            return None
        if self._validators is not None:
            content = signal_decision_to_wire(SignalDecision(agreed, decided.certificate))
            self._validators.offer(SIGNAL_TOPIC, content)
        if agreed.signal is None:
            return "no signal: too many abstained"
        signal = agreed.signal
        move = signal.prediction_e8 / 1e6  # per cent, for people
        return (
            f"{signal.direction.name} {signal.symbol}: {move:+.4f} % in {signal.horizon_seconds} s, "
            f"confidence {signal.confidence_bps / 100:.1f} %"
        )


def _leaders(voter: Voter) -> Sequence[bytes]:
    """The committee in the order in which it leads. Raises an `OracleConsensusError` when the draw does not hold."""
    voters, draw = voter.context.voters, voter.membership.oracle_draw
    if len(voters.weights) > MAX_ORACLES:
        raise CommitteeError(
            f"{len(voters.weights)} oracles are in the voters' file: at most {MAX_ORACLES}, or a leader's report is "
            "larger than what peers take"
        )
    if not draw:
        _log.info("committee_not_drawn", voters=len(voters.weights), reason="the voters' file has no oracle_draw")
        return voters.voters
    return check_draw(read_draw(draw), voters, voter.context.domain).leaders
