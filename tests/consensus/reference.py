"""What follows from a report, once more and from the words of the oracles' README, for voters of one weight each.

It shares no code with the product but Keccak and the hash of an observation.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence

from noderr.oracle_consensus.messages import Reveal
from noderr.types.consensus import Signed
from noderr.types.keccak import keccak256
from noderr.types.trading import Direction, Signal
from tests.consensus.protocols import MARKET, MODEL, TIMING


def counted(reveals: Sequence[Signed[Reveal]], oracles: int, start_s: int) -> list[Signed[Reveal]]:
    """Those whose observation counts, in a committee of so many, in the round that began then (Unix seconds)."""
    return [one for one in reveals if _is_committed(one, reveals, oracles) and _is_fresh(one.message, start_s)]


def commitment_of(reveal: Signed[Reveal]) -> bytes:
    """The commitment that this opens."""
    return keccak256(reveal.signer + reveal.message.observation.struct_hash + reveal.message.salt)


def _is_committed(reveal: Signed[Reveal], reveals: Sequence[Signed[Reveal]], oracles: int) -> bool:
    mine = commitment_of(reveal)
    return 3 * sum(mine in one.message.seen for one in reveals) >= 2 * oracles + 1


def _is_fresh(reveal: Reveal, start_s: int) -> bool:
    seen = reveal.observation
    latest_s = TIMING.commit_ns // 10**9 + MARKET.max_lead_seconds
    return not seen.abstain and seen.model_hash == MODEL and -60 <= seen.observed_at_s - start_s <= latest_s


def _part(thirds: int, oracles: int) -> int:
    """The least number of oracles that are at least so many thirds of them."""
    return -(-thirds * oracles // 3)


def expected_signal(counting: Sequence[Signed[Reveal]], present: int, oracles: int) -> Signal | None:
    """The signal from those that count, of so many in the report; None if they are less than two thirds of all."""
    seen = [one.message.observation for one in counting]
    if len(seen) < _part(2, oracles):
        return None
    prediction = statistics.median_low([one.prediction_e8 for one in seen])
    # More than a basis point.
    moves = abs(prediction) > 10**8 // 10_000
    return Signal(
        symbol=MARKET.symbol,
        horizon_seconds=MARKET.horizon_seconds,
        direction=(Direction.BUY if prediction > 0 else Direction.SELL) if moves else Direction.HOLD,
        prediction_e8=prediction,
        confidence_bps=statistics.median_low([one.confidence_bps for one in seen]) * len(seen) // present,
        mid_price_e8=statistics.median_low([one.mid_price_e8 for one in seen]),
        observed_at_s=statistics.median_low([one.observed_at_s for one in seen]),
        model_hash=keccak256(MODEL),
    )
