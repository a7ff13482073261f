"""Stand where a source is not there yet: nothing is known, so nothing passes, and `missing` says what is not there."""

from __future__ import annotations

from noderr.types.trading import Fill
from noderr.validator_consensus.price_band import FeeBounds, PriceBand
from noderr.validator_consensus.settlement import SettlementReceipt


class NoPrices:
    """No prices: this node records none."""

    missing = "no prices are recorded: nobody can tell whether a fill's price was there"

    async def band(self, venue: str, symbol: str, from_ns: int, to_ns: int) -> PriceBand | None:
        return None


class NoFees:
    """No fees: exchanges is a package that this build has not."""

    missing = "no venue's fees are known: nobody can tell whether a fill's fee is right"

    async def fees(self, fill: Fill) -> FeeBounds | None:
        return None


class NoChain:
    """No receipts: nothing reads a chain in this build."""

    missing = "no chain is read: nobody can tell whether a trade was settled"

    async def receipt(self, transaction: bytes) -> SettlementReceipt | None:
        return None
