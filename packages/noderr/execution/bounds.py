"""How much one trade may do, and how long it waits for a venue's word."""

from __future__ import annotations

from dataclasses import dataclass

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
