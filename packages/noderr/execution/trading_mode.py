"""Paper or real money. Paper is what one gets; for real money two settings have to say so, each by itself."""

from __future__ import annotations

import enum

from noderr.execution.errors import ModeError

CONFIRMATION = "trade with real money"
"""What the second setting must say, letter by letter."""


class TradingMode(enum.StrEnum):
    PAPER = "paper"
    LIVE = "live"


def trading_mode(wanted: str | None, confirmation: str | None) -> TradingMode:
    """Raises `ModeError` for an unknown mode, for `live` without its confirmation, and for a confirmation alone."""
    try:
        mode = TradingMode(wanted or TradingMode.PAPER)
    except ValueError as error:
        raise ModeError(f"the trading mode is {wanted!r}: it must be paper or live") from error
    confirmed = confirmation == CONFIRMATION
    if mode is TradingMode.LIVE and not confirmed:
        raise ModeError(f"live trading is confirmed by a second setting that says {CONFIRMATION!r}: it does not")
    if mode is TradingMode.PAPER and confirmation:
        raise ModeError("live trading is confirmed, and the mode is paper: take the confirmation back, or set live")
    return mode
