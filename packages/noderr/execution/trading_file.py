"""What an operator lets a validator trade: the file that NODEOS_TRADING_FILE names.

    {"version": 1, "currency": "USD", "paper_cash": "10000", "ruleset": "0x…",
     "policy": {"equity_fraction": "0.02", "limit_bps": 20, "valid_seconds": 10, "least_confidence_bps": 6000},
     "markets": [{"venue": "kraken", "maker_fee": "0.0016", "taker_fee": "0.0026",
                  "instrument": {"symbol": "BTC/USD", "tick_size": "0.1", "lot_size": "0.00000001",
                                 "min_quantity": "0.0001", "min_notional": "5"}}]}

`ruleset` is the digest of the guardians' limits, which each guardian's log tells. Fees are fractions of the notional.
Numbers may be text; what is misspelt is refused.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import msgspec

from noderr.exchanges.market_rules import Listing
from noderr.exchanges.venue import FeeSchedule
from noderr.execution.errors import TradingFileError
from noderr.execution.proposals.policy import TradePolicy
from noderr.types.trading import FieldError, Instrument
from noderr.types.trading.checks import check_currency, check_number

_MAX_FILE_BYTES = 1 << 20
_MOST_MARKETS = 64


class _Policy(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    equity_fraction: Decimal
    limit_bps: int = 20
    valid_seconds: int = 10
    least_confidence_bps: int = 5_000


class _Instrument(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    symbol: str
    tick_size: Decimal
    lot_size: Decimal
    min_quantity: Decimal
    min_notional: Decimal


class _Market(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    venue: str
    maker_fee: Decimal
    taker_fee: Decimal
    instrument: _Instrument


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    version: int
    currency: str
    paper_cash: Decimal
    ruleset: str
    policy: _Policy
    markets: list[_Market]


@dataclass(frozen=True, kw_only=True)
class TradingTerms:
    """`listings` by venue and symbol, all quoted in `currency`; `ruleset` has 32 bytes."""

    currency: str
    paper_cash: Decimal
    ruleset: bytes
    policy: TradePolicy
    listings: Mapping[str, Mapping[str, Listing]]

    @property
    def instruments(self) -> Mapping[str, Instrument]:
        """By symbol: of a market at several venues the coarsest steps, so that any of them takes what is ordered."""
        found: dict[str, Instrument] = {}
        for listings in self.listings.values():
            for symbol, listing in listings.items():
                known = found.get(symbol)
                found[symbol] = listing.instrument if known is None else _coarser(known, listing.instrument)
        return found


def read_trading_terms(path: Path) -> TradingTerms:
    """Blocks on the disk. Raises `TradingFileError` with every problem of the file."""
    try:
        with path.open("rb") as file:
            content = file.read(_MAX_FILE_BYTES + 1)
    except OSError as error:
        raise TradingFileError(path, [f"it cannot be read: {error.strerror}"]) from error
    if len(content) > _MAX_FILE_BYTES:
        raise TradingFileError(path, [f"it has more than {_MAX_FILE_BYTES} bytes"])
    try:
        file_ = msgspec.json.decode(content, type=_File)
    except (msgspec.MsgspecError, ValueError) as error:
        raise TradingFileError(path, [str(error)]) from error
    if problems := [*_problems(file_)]:
        raise TradingFileError(path, problems)
    try:
        return _terms(file_)
    except FieldError as error:
        raise TradingFileError(path, [str(error)]) from error


def _problems(file: _File) -> Iterable[str]:
    if file.version != 1:
        yield f"version is {file.version}: this build reads version 1"
    if not 1 <= len(file.markets) <= _MOST_MARKETS:
        yield f"{len(file.markets)} markets: from 1 to {_MOST_MARKETS}"
    try:
        if len(bytes.fromhex(file.ruleset.removeprefix("0x"))) != 32:
            raise ValueError
    except ValueError:
        yield f"ruleset is {file.ruleset[:80]!r}: it must be 0x and 64 hexadecimal digits"
    for (venue, symbol), count in Counter((one.venue, one.instrument.symbol) for one in file.markets).items():
        if count > 1:
            yield f"{venue}:{symbol} is there {count} times: name each market once"
    for one in file.markets:
        if not one.instrument.symbol.endswith(f"/{file.currency}"):
            yield f"{one.venue}:{one.instrument.symbol} is not quoted in {file.currency}, as all must be"


def _terms(file: _File) -> TradingTerms:
    """Raises `FieldError`."""
    check_currency(TradingTerms, "currency", file.currency)
    check_number(TradingTerms, "paper_cash", file.paper_cash, above=0)
    listings: dict[str, dict[str, Listing]] = {}
    for one in file.markets:
        instrument = Instrument(**msgspec.structs.asdict(one.instrument))
        fees = FeeSchedule(maker=one.maker_fee, taker=one.taker_fee)
        listings.setdefault(one.venue, {})[instrument.symbol] = Listing(instrument, fees)
    return TradingTerms(
        currency=file.currency,
        paper_cash=file.paper_cash,
        ruleset=bytes.fromhex(file.ruleset.removeprefix("0x")),
        policy=TradePolicy(**msgspec.structs.asdict(file.policy)),
        listings=listings,
    )


def _coarser(first: Instrument, second: Instrument) -> Instrument:
    return Instrument(
        symbol=first.symbol,
        tick_size=max(first.tick_size, second.tick_size),
        lot_size=max(first.lot_size, second.lot_size),
        min_quantity=max(first.min_quantity, second.min_quantity),
        min_notional=max(first.min_notional, second.min_notional),
    )
