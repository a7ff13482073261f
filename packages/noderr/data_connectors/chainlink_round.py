"""What a Chainlink feed's round must be for its answer to be a price. No I/O.

Rules: Chainlink's documentation (docs.chain.link, "Data Feeds API Reference", "L2 Sequencer Uptime Feeds").
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from noderr.data_connectors.chainlink_errors import InvalidRound, PriceDeviates, SequencerDown, StalePrice, WrongFeed
from noderr.types.keccak import keccak256
from noderr.types.trading.checks import check_bytes, check_integer, check_number, check_symbol
from noderr.types.trading.decimals import add, decimal_text, from_base_units, multiply

LATEST_ROUND_CALL = keccak256(b"latestRoundData()")[:4]
DECIMALS_CALL = keccak256(b"decimals()")[:4]

_WORD = 32
_MAX_ROUND_ID = (1 << 80) - 1
_MAX_U64 = (1 << 64) - 1
_MAX_DECIMALS = 36
_YEAR_SECONDS = 366 * 24 * 3600
_SECOND_NS = 1_000_000_000
_BPS = Decimal(10_000)


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedSettings:
    """A feed as Chainlink's registry lists it (docs.chain.link, "Price Feed Contract Addresses"): none is built in.

    `sequencer` is the address of the chain's sequencer uptime feed; None only where a chain has no sequencer.
    """

    symbol: str
    chain_id: int
    address: bytes
    decimals: int
    heartbeat_seconds: int
    sequencer: bytes | None
    grace_seconds: int = 3600
    deviation_bps: int = 200

    def __post_init__(self) -> None:
        check_symbol(self, "symbol", self.symbol)
        check_integer(self, "chain_id", self.chain_id, 1, _MAX_U64)
        check_bytes(self, "address", self.address, 20)
        check_integer(self, "decimals", self.decimals, 0, _MAX_DECIMALS)
        check_integer(self, "heartbeat_seconds", self.heartbeat_seconds, 1, _YEAR_SECONDS)
        if self.sequencer is not None:
            check_bytes(self, "sequencer", self.sequencer, 20)
        check_integer(self, "grace_seconds", self.grace_seconds, 0, _YEAR_SECONDS)
        check_integer(self, "deviation_bps", self.deviation_bps, 1, 10_000)


@dataclass(frozen=True, slots=True)
class Round:
    """What `latestRoundData` returns, but for `answeredInRound`, which says nothing any more. Times in Unix seconds."""

    round_id: int
    answer: int
    started_at_s: int
    updated_at_s: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedPrice:
    """`price` is exact, in the quote currency. `read_at_ns` is when it was asked for, and was no older than allowed."""

    symbol: str
    price: Decimal
    round_id: int
    updated_at_ns: int
    read_at_ns: int


def decode_round(feed: str, output: bytes) -> Round:
    """Raises `WrongFeed` where that is no round."""
    if len(output) != 5 * _WORD:
        raise WrongFeed(feed, "the length of latestRoundData()", f"{len(output)} bytes", f"{5 * _WORD} bytes")
    words = [output[start : start + _WORD] for start in range(0, len(output), _WORD)]
    round_id, _, started_at, updated_at, _ = (int.from_bytes(word, "big") for word in words)
    return Round(round_id, int.from_bytes(words[1], "big", signed=True), started_at, updated_at)


def check_decimals(feed: FeedSettings, output: bytes) -> None:
    """Raises `WrongFeed` where `decimals()` is not what the settings say."""
    found = int.from_bytes(output, "big") if len(output) == _WORD else f"{len(output)} bytes"
    if found != feed.decimals:
        raise WrongFeed(feed.symbol, "decimals()", found, feed.decimals)


def check_sequencer(feed: FeedSettings, status: Round, now_ns: int) -> None:
    """`status` is the uptime feed's: its answer is 0 while the sequencer is up, and it began when that last changed.

    Raises `SequencerDown`.
    """
    if status.answer != 0:
        raise SequencerDown(feed.symbol, "the sequencer's status", status.answer, "0 (up)")
    since_ns = status.started_at_s * _SECOND_NS
    if not 0 < since_ns <= now_ns:
        # Zero: the uptime feed was never told anything.
        raise SequencerDown(feed.symbol, "the sequencer's start", f"{status.started_at_s} s", f"1 to {now_ns} ns")
    if now_ns - since_ns <= feed.grace_seconds * _SECOND_NS:
        up = f"{now_ns - since_ns} ns"
        raise SequencerDown(feed.symbol, "the sequencer's time up", up, f"more than {feed.grace_seconds} s")


def price_of(feed: FeedSettings, found: Round, newest_round_id: int, now_ns: int) -> FeedPrice:
    """The price that a round is, when `newest_round_id` was seen before. Raises `InvalidRound` or `StalePrice`."""
    if not max(1, newest_round_id) <= found.round_id <= _MAX_ROUND_ID:
        limit = f"{max(1, newest_round_id)} to {_MAX_ROUND_ID}"
        raise InvalidRound(feed.symbol, "the round's id", found.round_id, limit)
    if found.answer <= 0:
        raise InvalidRound(feed.symbol, "the answer", found.answer, "above 0")
    updated_at_ns = found.updated_at_s * _SECOND_NS
    if not 0 < updated_at_ns <= now_ns:
        raise InvalidRound(feed.symbol, "updatedAt", f"{found.updated_at_s} s", f"1 to {now_ns} ns")
    age_ns, heartbeat_ns = now_ns - updated_at_ns, feed.heartbeat_seconds * _SECOND_NS
    if 2 * age_ns > 3 * heartbeat_ns:
        raise StalePrice(feed.symbol, "the price's age", f"{age_ns} ns", f"at most {3 * heartbeat_ns // 2} ns")
    return FeedPrice(
        symbol=feed.symbol,
        price=from_base_units(found.answer, feed.decimals),
        round_id=found.round_id,
        updated_at_ns=updated_at_ns,
        read_at_ns=now_ns,
    )


def check_deviation(feed: FeedSettings, price: FeedPrice, other: Decimal) -> None:
    """Raises `PriceDeviates` where the price is further from `other`, another source's, than the settings allow.

    Deviation is |price - other| / other, compared without a division. Raises `FieldError` for no price.
    """
    check_number(FeedPrice, "other", other, above=0)
    away = add(price.price, other.copy_negate()).copy_abs()
    if multiply(away, _BPS) > multiply(other, Decimal(feed.deviation_bps)):
        limit = f"within {feed.deviation_bps} bps of {decimal_text(other)}"
        raise PriceDeviates(feed.symbol, "the price", decimal_text(price.price), limit)
