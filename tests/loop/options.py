"""What a replay is of: everything that can change its journal, and nothing else."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from decimal import Decimal

from noderr.alpha_edge.models import Parameters
from noderr.alpha_edge.parameters import FOR_SECONDS
from noderr.alpha_edge.queue_imbalance import ImbalanceParameters
from noderr.execution.proposals.policy import TradePolicy

_MS = 1_000_000
_HORIZON_SECONDS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayOptions:
    """Money is in `currency`; all recorded symbols that are quoted in it are traded, unless `symbols` names some."""

    seed: int
    currency: str = "USD"
    symbols: tuple[str, ...] = ()
    oracles: int = 4
    guardians: int = 4
    validators: int = 4
    cash: Decimal = Decimal(100_000)
    maker_fee: Decimal = Decimal("0.0016")
    """Kraken's published rate for the smallest volume in 2021, when its feed was recorded; and the taker's."""
    taker_fee: Decimal = Decimal("0.0026")
    policy: TradePolicy = field(default_factory=lambda: TradePolicy(equity_fraction=Decimal("0.04"), valid_seconds=3))
    models: tuple[Parameters, ...] = (
        copy.replace(FOR_SECONDS, horizon_seconds=_HORIZON_SECONDS),
        ImbalanceParameters(horizon_seconds=_HORIZON_SECONDS, window_seconds=30, strengths=4, certainty_bps=5_000),
    )
    """An oracle says what the first of them says that does not abstain.

    The second is not asked to be sure (a node's is): half a minute proves nothing, and the loop is to carry something.
    """
    horizon_seconds: int = _HORIZON_SECONDS
    dead_band_e8: int = 1_000
    """A tenth of a basis point: so little is what moves within seconds. Fees are a hundred times that."""
    oracle_slot_ns: int = 1_000 * _MS
    guardian_slot_ns: int = 5_000 * _MS
    validator_slot_ns: int = 60_000 * _MS
    view_ns: int = 100 * _MS
    """How often validators tell oracles what has changed."""
    link_least_ns: int = 2 * _MS
    link_most_ns: int = 20 * _MS
    venue_order_ns: int = 25 * _MS
    venue_report_ns: int = 25 * _MS
    feed_most_ns: int = 5 * _MS
    """Each validator's feed is up to so much later than the recording."""
    tail_ns: int = 5_000 * _MS
    """How long the network goes on after the last frame."""
