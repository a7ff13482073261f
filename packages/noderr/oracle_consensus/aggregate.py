"""From observations to one signal: pure, in integers, so that every oracle gets the same bytes from the same report.

The weighted median stays within what honest oracles said while less than half of the weight that counts is Byzantine.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache

from noderr.oracle_consensus.market import Market
from noderr.oracle_consensus.messages import Observation, Reveal, observations_digest
from noderr.oracle_consensus.weighted_median import weighted_medians
from noderr.types.consensus import Signed, VoterSet, has_quorum
from noderr.types.consensus.agreed_signal import AgreedSignal
from noderr.types.keccak import keccak256
from noderr.types.trading import Direction, Signal


def aggregate(
    reveals: tuple[Signed[Reveal], ...], voters: VoterSet, market: Market, *, start_s: int, commit_seconds: int
) -> AgreedSignal:
    """What follows from these reveals, ascending by oracle, in the round that began at `start_s` (Unix seconds).

    An observation counts if a quorum had its commitment before they revealed (`committed_in_time`), if it is neither
    stale nor from the future at the round's own times, and if its model is one of the market's. What does not count is
    an abstention. There is no signal unless two thirds of all weight count: with less, those that are Byzantine could
    be half of what the median is taken of.
    """
    active = [
        reveal
        for reveal in committed_in_time(reveals, voters)
        if _counts(reveal.message.observation, market, start_s, start_s + commit_seconds)
    ]
    weights = [voters.weights[reveal.signer] for reveal in active]
    signal = None
    if 3 * sum(weights) >= 2 * voters.total:
        present = voters.weight_of([reveal.signer for reveal in reveals])
        signal = _signal([reveal.message.observation for reveal in active], weights, present, market)
    return AgreedSignal(observations=observations_digest(reveals), signal=signal)


class Aggregation:
    """`aggregate` in one round. The last one is remembered: who leads needs it to report, and again to vote."""

    def __init__(self, voters: VoterSet, market: Market, *, start_s: int, commit_seconds: int) -> None:
        self._voters = voters
        self._market = market
        self._start_s = start_s
        self._commit_seconds = commit_seconds
        self._last: tuple[tuple[Signed[Reveal], ...], AgreedSignal] | None = None

    def __call__(self, reveals: tuple[Signed[Reveal], ...]) -> AgreedSignal:
        last = self._last
        if last is None or last[0] != reveals:
            agreed = aggregate(
                reveals, self._voters, self._market, start_s=self._start_s, commit_seconds=self._commit_seconds
            )
            last = self._last = reveals, agreed
        return last[1]


def committed_in_time(reveals: Sequence[Signed[Reveal]], voters: VoterSet) -> Iterable[Signed[Reveal]]:
    """Those whose commitment a quorum of all weight had before it revealed; there is one reveal of each oracle.

    Whoever had revealed before there was a commitment cannot name it. Outside of a quorum there is less than a third of
    all weight that is honest, so whoever made an observation knew no more than that of the others'. Nor has anybody two
    commitments to choose from after the reveals: an honest oracle names one of each, and two quorums share an honest
    oracle. What a lying leader leaves out changes neither. With all honest reveals in the report, none of theirs is
    left out.
    """
    # Nearly all have seen the same.
    by_seen: dict[tuple[bytes, ...], int] = {}
    for reveal in reveals:
        seen = reveal.message.seen
        by_seen[seen] = by_seen.get(seen, 0) + voters.weights.get(reveal.signer, 0)
    witnessed: dict[bytes, int] = {}
    for seen, weight in by_seen.items():
        for one in seen:
            witnessed[one] = witnessed.get(one, 0) + weight
    for reveal in reveals:
        if has_quorum(witnessed.get(reveal.message.commitment_of(reveal.signer), 0), voters.total):
            yield reveal


def _counts(observation: Observation, market: Market, start_s: int, commit_end_s: int) -> bool:
    return (
        not observation.abstain
        and observation.model_hash in market.models
        and start_s - market.max_age_seconds <= observation.observed_at_s <= commit_end_s + market.max_lead_seconds
    )


def _signal(active: Sequence[Observation], weights: Sequence[int], present: int, market: Market) -> Signal:
    predictions = [one.prediction_e8 for one in active]
    confidences = [one.confidence_bps for one in active]
    mid_prices = [one.mid_price_e8 for one in active]
    times_s = [one.observed_at_s for one in active]
    prediction, confidence, mid_price, time_s = weighted_medians(
        [predictions, confidences, mid_prices, times_s], weights
    )
    return Signal(
        symbol=market.symbol,
        horizon_seconds=market.horizon_seconds,
        direction=_direction(prediction, market.dead_band_e8),
        prediction_e8=prediction,
        # Who abstains takes confidence away.
        confidence_bps=confidence * sum(weights) // present,
        mid_price_e8=mid_price,
        observed_at_s=time_s,
        model_hash=_models_digest(frozenset([one.model_hash for one in active])),
    )


@lru_cache(maxsize=1024)
def _models_digest(models: frozenset[bytes]) -> bytes:
    """32 bytes that stand for which models took part. They are the same in nearly every round."""
    return keccak256(b"".join(sorted(models)))


def _direction(prediction_e8: int, dead_band_e8: int) -> Direction:
    if abs(prediction_e8) <= dead_band_e8:
        return Direction.HOLD
    return Direction.BUY if prediction_e8 > 0 else Direction.SELL
