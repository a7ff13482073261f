"""The oracles' consensus as a part of their node."""

from __future__ import annotations

from collections.abc import Sequence

from noderr.core.consensus.codec import Codec
from noderr.core.consensus.routes import CONSENSUS_OPERATIONS, consensus_routes
from noderr.core.consensus.service import ConsensusService
from noderr.core.consensus.voter import ProtocolFacts
from noderr.core.parts import NodeContext, TierParts
from noderr.oracle_consensus.market import Market
from noderr.oracle_consensus.on_wire import oracle_from_wire, oracle_to_wire
from noderr.oracle_consensus.rounds import Blind, Observer, OracleRounds
from noderr.types.eip712 import Domain

PERIOD_NS = 30_000_000_000
"""A round takes 29 seconds at most."""

KEPT_SLOTS = 8
"""Rounds of so many slots stay, to answer those that are late."""

# Where none is named every oracle abstains in this one.
UNOBSERVED = (Market(symbol="BTC/USD", horizon_seconds=300, models=frozenset()),)


def consensus_parts(
    node: NodeContext, markets: Sequence[Market] = UNOBSERVED, observer: Observer | None = None
) -> TierParts:
    """The service `oracle-consensus` and `/api/v1/consensus`. Without an observer this oracle abstains.

    `markets` are the same for all oracles: a round is about one of them.
    """
    facts = ProtocolFacts(
        tier="oracle", period_ns=PERIOD_NS, codec=oracle_codec, keep=KEPT_SLOTS * len(markets), ahead=0
    )
    service = ConsensusService(node, facts, OracleRounds(markets, observer or Blind(), node.peers))
    return TierParts(services=[service], routes=consensus_routes(service.describe), operations=CONSENSUS_OPERATIONS)


def oracle_codec(domain: Domain) -> Codec:
    """Votes, certificates, commitments, reveals and reports."""
    return Codec(domain, oracle_to_wire, oracle_from_wire)
