"""How much trading is allowed."""

from __future__ import annotations

from enum import StrEnum


class TradingState(StrEnum):
    """REDUCING lets pass what makes a position smaller; HALTED nothing new. Cancels pass in each of them."""

    ACTIVE = "active"
    REDUCING = "reducing"
    HALTED = "halted"
