"""Time bars from trades: aligned to UTC, stamped when they close, one for every interval, and none hides a gap."""

from __future__ import annotations

from decimal import Decimal

import msgspec

from noderr.market_data.errors import BarError, LateTradeError
from noderr.market_data.events import Trade
from noderr.types.trading.decimals import add, multiply

_SECOND_NS = 1_000_000_000
_DAY_NS = 86_400 * _SECOND_NS
_ZERO = Decimal(0)
_MOST_BARS = 10_000


class Bar(msgspec.Struct, frozen=True, kw_only=True):
    """Trades from `open_ns` up to, and without, `close_ns`. Prices are None where nobody traded.

    `volume` is in base, `turnover` in quote. `complete` is False when trades of this time may be missing.
    """

    venue: str
    symbol: str
    open_ns: int
    close_ns: int
    open: Decimal | None
    high: Decimal | None
    low: Decimal | None
    close: Decimal | None
    volume: Decimal
    turnover: Decimal
    trades: int
    complete: bool


class BarBuilder:
    """Bars of one market. The first interval is never complete unless it is seen from its beginning."""

    def __init__(self, venue: str, symbol: str, step_ns: int, from_ns: int) -> None:
        """Trades are known from `from_ns` on. Raises `BarError` unless the step divides a day."""
        if step_ns < _SECOND_NS or _DAY_NS % step_ns:
            raise BarError(f"step_ns is {step_ns}: it must be at least a second and divide a day")
        if from_ns < 0:
            raise BarError(f"from_ns is {from_ns}: it must be nanoseconds since 1970")
        self._venue, self._symbol, self._step = venue, symbol, step_ns
        self._open_ns = from_ns - from_ns % step_ns
        self._broken = from_ns != self._open_ns
        self._broken_until = from_ns
        self._known = True
        self._first: Decimal | None = None
        self._high: Decimal | None = None
        self._low: Decimal | None = None
        self._last: Decimal | None = None
        self._volume = self._turnover = _ZERO
        self._trades = 0

    def on_trade(self, trade: Trade) -> list[Bar]:
        """The bars that end before this trade. Raises `LateTradeError` when its own is among those told before."""
        if (trade.venue, trade.symbol) != (self._venue, self._symbol):
            raise BarError(f"a trade of {trade.venue}:{trade.symbol} in bars of {self._venue}:{self._symbol}")
        if trade.event_ns < self._open_ns:
            raise LateTradeError(
                f"{self._venue}:{self._symbol}: a trade of {trade.event_ns} ns, all is closed until {self._open_ns}"
            )
        bars = self.close_until(trade.event_ns)
        price = trade.price
        if self._high is None or self._low is None:
            self._first = self._high = self._low = price
        self._high, self._low = max(self._high, price), min(self._low, price)
        self._last = price
        self._volume = add(self._volume, trade.quantity)
        self._turnover = add(self._turnover, multiply(price, trade.quantity))
        self._trades += 1
        return bars

    def on_gap(self) -> None:
        """Trades may be missing from the open bar on, until `on_known`."""
        self._known = False
        self._broken = True

    def on_known(self, at_ns: int) -> None:
        """Every trade from `at_ns` on is seen again."""
        self._known = True
        self._broken_until = at_ns
        self._broken = self._broken or at_ns > self._open_ns

    def close_until(self, now_ns: int) -> list[Bar]:
        """All bars that end at `now_ns` or before, the empty ones too. Raises `BarError` for a moment too far ahead."""
        if (now_ns - self._open_ns) // self._step > _MOST_BARS:
            raise BarError(f"{now_ns} ns is more than {_MOST_BARS} bars after {self._open_ns} ns: begin new bars there")
        bars = []
        while self._open_ns + self._step <= now_ns:
            bars.append(self._bar())
            self._open_ns += self._step
            self._broken = not self._known or self._broken_until > self._open_ns
            self._clear()
        return bars

    def _bar(self) -> Bar:
        return Bar(
            venue=self._venue,
            symbol=self._symbol,
            open_ns=self._open_ns,
            close_ns=self._open_ns + self._step,
            open=self._first,
            high=self._high,
            low=self._low,
            close=self._last,
            volume=self._volume,
            turnover=self._turnover,
            trades=self._trades,
            complete=not self._broken,
        )

    def _clear(self) -> None:
        self._first = self._high = self._low = self._last = None
        self._volume = self._turnover = _ZERO
        self._trades = 0
