"""A price that Chainlink's oracles put on a chain: asked for when it is wanted, and checked before it counts."""

from __future__ import annotations

from decimal import Decimal

from noderr.core.json_rpc_chain import ChainReader, ContractCall
from noderr.data_connectors.chainlink_round import (
    DECIMALS_CALL,
    LATEST_ROUND_CALL,
    FeedPrice,
    FeedSettings,
    check_decimals,
    check_deviation,
    check_sequencer,
    decode_round,
    price_of,
)
from noderr.types.trading.errors import FieldError
from noderr.utils import Clock


class ChainlinkFeed:
    """One feed. `chain` is a node of the feed's chain, `clock` what ages are measured by."""

    def __init__(self, settings: FeedSettings, chain: ChainReader, clock: Clock) -> None:
        """Raises `FieldError` where the reader is of another chain than the feed."""
        if chain.chain_id != settings.chain_id:
            raise FieldError("FeedSettings", "chain_id", settings.chain_id, f"{chain.chain_id}, as the reader's")
        self._settings = settings
        self._chain = chain
        self._clock = clock
        self._newest_round_id = 0

    async def latest(self) -> FeedPrice:
        """The feed's price now. Raises `ChainlinkError`, and `JsonRpcError` where the node has no answer."""
        feed = self._settings
        calls = [ContractCall(feed.address, DECIMALS_CALL), ContractCall(feed.address, LATEST_ROUND_CALL)]
        if feed.sequencer is not None:
            calls.append(ContractCall(feed.sequencer, LATEST_ROUND_CALL))
        decimals, newest, *status = await self._chain.call(calls)
        # Not before the answer: what waited long for it is as old as it is.
        now_ns = self._clock.now_ns()
        for one in status:
            check_sequencer(feed, decode_round(feed.symbol, one), now_ns)
        check_decimals(feed, decimals)
        price = price_of(feed, decode_round(feed.symbol, newest), self._newest_round_id, now_ns)
        self._newest_round_id = price.round_id
        return price

    def check_deviation(self, price: FeedPrice, other: Decimal) -> None:
        """The alarm: raises `PriceDeviates` where `price` is too far from another source's. See `chainlink_round`."""
        check_deviation(self._settings, price, other)
