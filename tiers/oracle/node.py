"""The composition root of an Oracle node: intelligence and consensus.

Its facts stand in `tier.toml` beside this file; `python -m tiers.oracle.node --help` says what it can do.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from noderr.core import run_tier
from noderr.core.parts import NodeContext, TierParts

if TYPE_CHECKING:
    from noderr.alpha_edge.watched_market import WatchedMarket


def parts(node: NodeContext) -> TierParts:
    """What this tier adds to the node."""
    # Not needed for `health`, which must start in no time.
    from noderr.alpha_edge.errors import ParameterError
    from noderr.alpha_edge.watched_market import parse_markets
    from noderr.core.errors import SettingsError
    from noderr.oracle_consensus.parts import consensus_parts

    try:
        watched = parse_markets(node.settings.markets)
    except ParameterError as error:
        raise SettingsError([f"NODEOS_MARKETS: {error}"]) from error
    return observing_parts(node, watched) if watched else consensus_parts(node)


def observing_parts(node: NodeContext, watched: Sequence[WatchedMarket]) -> TierParts:
    """Rounds of these markets, observed with the models on what validators tell."""
    from noderr.alpha_edge.answers import Abstained
    from noderr.alpha_edge.market_watch import MarketWatch
    from noderr.alpha_edge.models import models_for
    from noderr.core.parts import combine
    from noderr.oracle_consensus.market import SECOND_NS, Market
    from noderr.oracle_consensus.messages import ABSTENTION, Observation
    from noderr.oracle_consensus.parts import consensus_parts

    watch = MarketWatch(node, watched)

    class Watching:
        """What the models see at the beginning of the round; the watch itself says what it lacks."""

        async def observe(self, market: Market, at_s: int) -> Observation:
            said = await watch.forecast(market.symbol, market.horizon_seconds, at_s * SECOND_NS)
            if isinstance(said, Abstained):
                return ABSTENTION
            forecast, model_hash = said
            return Observation(
                prediction_e8=forecast.prediction_e8,
                confidence_bps=forecast.confidence_bps,
                mid_price_e8=forecast.mid_price_e8,
                observed_at_s=forecast.observed_at_s,
                model_hash=model_hash,
            )

        def missing(self) -> Sequence[str]:
            return ()

    markets = [
        Market(
            symbol=one.symbol,
            horizon_seconds=one.horizon_seconds,
            models=frozenset(model.model_hash() for model in models_for(one.horizon_seconds)),
        )
        for one in watched
    ]
    return combine(TierParts([watch]), consensus_parts(node, markets, Watching()))


def main() -> int:
    """Run the command given on the command line (`serve` when there is none) and return the exit code."""
    here = Path(__file__)
    return run_tier(here.with_name("tier.toml"), here.parents[2] / "VERSION", make_parts=parts)


if __name__ == "__main__":
    sys.exit(main())
