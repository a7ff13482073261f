"""The composition root of a Validator node: execution and optimization.

Its facts stand in `tier.toml` beside this file; `python -m tiers.validator.node --help` says what it can do.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from noderr.core import run_tier
from noderr.core.parts import NodeContext, TierCommand, TierParts
from noderr.types import TierManifest


def parts(node: NodeContext) -> TierParts:
    """What this tier adds to the node."""
    # Not needed for `health`, which must start in no time.
    from noderr.core.errors import SettingsError
    from noderr.core.parts import combine
    from noderr.data_connectors.parts import PublicFeeds
    from noderr.exchanges.simulated_venue import FEE_DIGITS
    from noderr.execution.parts import trading_parts, trading_terms
    from noderr.market_data.errors import FeedNameError
    from noderr.market_data.feed import parse_feeds
    from noderr.market_data.parts import market_parts
    from noderr.market_data.service import MarketDataService
    from noderr.market_data.view_service import ViewService
    from noderr.validator_consensus.fee_table import FeeRates, FeeTable
    from noderr.validator_consensus.parts import consensus_parts
    from noderr.validator_consensus.price_band import PriceBand

    class RecordedBand:
        """The band that a fill's price has to lie in, from what this node's own market data recorded."""

        async def band(self, venue: str, symbol: str, from_ns: int, to_ns: int) -> PriceBand | None:
            found = await markets.price_range(venue, symbol, from_ns, to_ns)
            return None if found is None else PriceBand(found.low, found.high)

    try:
        names = parse_feeds(node.settings.feeds)
    except FeedNameError as error:
        raise SettingsError([f"NODEOS_FEEDS: {error}"]) from error
    markets = MarketDataService(node, names, PublicFeeds(node, names).open)
    terms = trading_terms(node)
    fees = None
    if terms is not None:
        # Of a venue's markets any one: its schedule is for the account.
        rates = {
            venue: FeeRates(maker=one.fees.maker, taker=one.fees.taker, digits=FEE_DIGITS)
            for venue, listings in terms.listings.items()
            for one in listings.values()
        }
        fees = FeeTable(rates)
    consensus = consensus_parts(node, RecordedBand() if names else None, fees)
    traded = TierParts() if terms is None else trading_parts(node, terms, lambda: markets.books, markets.listen)
    return combine(consensus, market_parts(node, markets), TierParts([ViewService(node, markets)]), traded)


def trading(arguments: Sequence[str], environ: Mapping[str, str], manifest: TierManifest) -> int:
    """What only somebody on this machine may do: lift what a fault has halted."""
    from noderr.execution.command import run_trading

    return run_trading(arguments, environ, manifest)


def main() -> int:
    """Run the command given on the command line (`serve` when there is none) and return the exit code."""
    here = Path(__file__)
    commands = {"trading": TierCommand("see, halt and resume trading; `trading --help`", trading)}
    return run_tier(here.with_name("tier.toml"), here.parents[2] / "VERSION", make_parts=parts, commands=commands)


if __name__ == "__main__":
    sys.exit(main())
