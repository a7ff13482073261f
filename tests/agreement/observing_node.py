"""An oracle's node whose model is a formula: it sees every market rise, each node a little differently.

Everything else is the node's own. `AGREEMENT_MARKETS` is the number of markets, 1 unless it is set.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from noderr.core import run_tier
from noderr.core.parts import NodeContext, TierParts

if TYPE_CHECKING:
    from noderr.oracle_consensus.market import Market
    from noderr.oracle_consensus.messages import Observation

MARKETS_VARIABLE = "AGREEMENT_MARKETS"
MODEL = b"\7" * 32
KEPT_SLOTS = 8
_PREDICTION_E8 = 1_000_000


class Rising:
    """Sees a rise of one per cent, and a little more that differs by node."""

    def __init__(self, account: bytes) -> None:
        self._more_e8 = account[-1]

    async def observe(self, market: Market, at_s: int) -> Observation:
        from noderr.oracle_consensus.messages import Observation

        return Observation(
            prediction_e8=_PREDICTION_E8 + self._more_e8,
            confidence_bps=8_000,
            mid_price_e8=64_000 * 10**8,
            observed_at_s=at_s,
            model_hash=MODEL,
        )

    def missing(self) -> Sequence[str]:
        return ()


def markets(count: int) -> list[Market]:
    """So many markets, the same for all."""
    from noderr.oracle_consensus.market import Market

    return [Market(symbol=f"M{number}/USD", horizon_seconds=300, models=frozenset({MODEL})) for number in range(count)]


def parts(node: NodeContext) -> TierParts:
    """As the tier's own parts, with another observer."""
    from noderr.core.consensus.routes import CONSENSUS_OPERATIONS, consensus_routes
    from noderr.core.consensus.service import ConsensusService
    from noderr.core.consensus.voter import ProtocolFacts
    from noderr.oracle_consensus.parts import PERIOD_NS, oracle_codec
    from noderr.oracle_consensus.rounds import OracleRounds

    agreed_on = markets(int(os.environ.get(MARKETS_VARIABLE, "1")))
    facts = ProtocolFacts(tier="oracle", period_ns=PERIOD_NS, codec=oracle_codec, keep=KEPT_SLOTS * len(agreed_on))
    service = ConsensusService(node, facts, OracleRounds(agreed_on, Rising(node.account.address)))
    return TierParts(services=[service], routes=consensus_routes(service.describe), operations=CONSENSUS_OPERATIONS)


def main() -> int:
    """The oracle's command line."""
    root = Path(__file__).parents[2]
    return run_tier(root / "tiers" / "oracle" / "tier.toml", root / "VERSION", make_parts=parts)


if __name__ == "__main__":
    sys.exit(main())
