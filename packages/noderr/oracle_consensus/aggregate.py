"""From observations to one signal: pure, in integers, so that every oracle gets the same bytes from the same report.

The weighted median stays within what honest oracles said while less than half of the weight that counts is Byzantine.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from noderr.oracle_consensus.market import Market
from noderr.oracle_consensus.messages import Observation, Reveal, observations_digest
from noderr.oracle_consensus.weighted_median import weighted_median
from noderr.types.consensus import Signed, VoterSet
from noderr.types.consensus.agreed_signal import AgreedSignal
from noderr.types.keccak import keccak256
from noderr.types.trading import Direction, Signal


def aggregate(
    reveals: tuple[Signed[Reveal], ...], voters: VoterSet, market: Market, *, start_s: int, commit_seconds: int
) -> AgreedSignal:
    """What follows from these reveals, ascending by oracle, in the round that began at `start_s` (Unix seconds).

    An observation counts if its commitment was seen, before they revealed, by so many that one of them is honest; if it
    is neither stale nor from the future at the round's own times; and if its model is one of the market's. What does
    not count is an abstention. There is no signal unless two thirds of all weight count: with less, those that are
    Byzantine could be half of what the median is taken of.
    """
    active = [
        (reveal.message.observation, voters.weights[reveal.signer])
        for reveal in committed_in_time(reveals, voters)
        if _counts(reveal.message.observation, market, start_s, start_s + commit_seconds)
    ]
    present = voters.weight_of([reveal.signer for reveal in reveals])
    weights = [weight for _, weight in active]
    observations = observations_digest(reveals)
    if 3 * sum(weights) < 2 * voters.total:
        return AgreedSignal(observations=observations, signal=None)
    return AgreedSignal(
        observations=observations, signal=_signal([seen for seen, _ in active], weights, present, market)
    )


def committed_in_time(reveals: Sequence[Signed[Reveal]], voters: VoterSet) -> Iterable[Signed[Reveal]]:
    """Those whose commitment an honest oracle had before it revealed.

    So nobody waited for all the others' observations before making its own, and no honest one is left out.
    """
    witnesses: dict[bytes, list[bytes]] = {}
    for reveal in reveals:
        for seen in reveal.message.seen:
            witnesses.setdefault(seen, []).append(reveal.signer)
    for reveal in reveals:
        if voters.has_honest(witnesses.get(reveal.message.commitment_of(reveal.signer), [])):
            yield reveal


def _counts(observation: Observation, market: Market, start_s: int, commit_end_s: int) -> bool:
    return (
        not observation.abstain
        and observation.model_hash in market.models
        and start_s - market.max_age_seconds <= observation.observed_at_s <= commit_end_s + market.max_lead_seconds
    )


def _signal(active: Sequence[Observation], weights: Sequence[int], present: int, market: Market) -> Signal:
    def median(values: Iterable[int]) -> int:
        return weighted_median(list(values), weights)

    prediction = median(one.prediction_e8 for one in active)
    confidence = median(one.confidence_bps for one in active)
    return Signal(
        symbol=market.symbol,
        horizon_seconds=market.horizon_seconds,
        direction=_direction(prediction, market.dead_band_e8),
        prediction_e8=prediction,
        # Who abstains takes confidence away.
        confidence_bps=confidence * sum(weights) // present,
        mid_price_e8=median(one.mid_price_e8 for one in active),
        observed_at_s=median(one.observed_at_s for one in active),
        model_hash=keccak256(b"".join(sorted({one.model_hash for one in active}))),
    )


def _direction(prediction_e8: int, dead_band_e8: int) -> Direction:
    if abs(prediction_e8) <= dead_band_e8:
        return Direction.HOLD
    return Direction.BUY if prediction_e8 > 0 else Direction.SELL
