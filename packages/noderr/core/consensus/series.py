"""The counters of a protocol, from the start: what first appears with a 1 never seems to grow, and no alert sees it."""

from __future__ import annotations

from noderr.core.consensus.actions import Failure
from noderr.telemetry import NodeMetrics
from noderr.types.consensus import Reason

DECIDED = "decided"
"""How a round ends that does not fail."""


def begin_at_zero(metrics: NodeMetrics, protocol: str) -> None:
    """Have every counter that this protocol can drive."""
    for outcome in (DECIDED, *Failure):
        metrics.consensus_rounds.labels(protocol, outcome)
    for reason in Reason:
        metrics.consensus_refused.labels(protocol, reason.value)
    metrics.consensus_equivocations.labels(protocol)
    metrics.consensus_guarded.labels(protocol)
