"""How much one trade and all together may do, and how long they wait for a venue's word."""

from __future__ import annotations

from dataclasses import dataclass, field

_MS = 1_000_000
_SECOND_NS = 1_000_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class TradeBounds:
    """Times in nanoseconds. `children` is per trade, `attempts` per slice of its schedule."""

    children: int = 100
    attempts: int = 5
    pause_ns: int = 500 * _MS
    """Between two tries to place what is left: the books that were just met have to be told anew."""
    margin_ns: int = 500 * _MS
    """Before the deadline: nothing is sent that might be filled after it."""
    silence_ns: int = 5 * _SECOND_NS
    """After so long without a word about an order it is asked for."""
    absent_ns: int = 5 * _SECOND_NS
    """Between the two answers "not there" that are taken for true: a request may still be on its way before that."""
    ask_pause_ns: int = 1 * _SECOND_NS
    """Until the same is asked again; twice as long each time that no answer comes, up to `ask_most_ns`."""
    ask_most_ns: int = 15 * _SECOND_NS
    cancel_after: int = 3
    """So many questions without an answer, and the order is canceled unseen."""
    stuck_ns: int = 60 * _SECOND_NS
    """After so long without a word somebody is told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineBounds:
    """How much all trades together may do. `call_seconds` is how long a venue may take to answer a request."""

    open_trades: int = 64
    orders_per_second: float = 5.0
    orders_at_once: float = 20.0
    call_seconds: float = 5.0
    remembered: int = 256
    """Trades that are over and whose late updates are still understood."""
    trade: TradeBounds = field(default_factory=TradeBounds)
