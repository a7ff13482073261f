"""Why a trade ended."""

from __future__ import annotations

from noderr.execution.records import FinishReason
from noderr.execution.trade_book import TradeBook


def finish_reason(book: TradeBook, *, is_over: bool, is_recovered: bool, gave_up: bool) -> FinishReason:
    """`is_over`: its time is; `is_recovered`: its schedule ended with the process; `gave_up`: too many tries."""
    if book.free <= 0:
        return FinishReason.FILLED
    if book.halted is not None:
        return FinishReason.HALTED
    if is_over:
        return FinishReason.EXPIRED if book.children else FinishReason.NO_MARKET
    if gave_up:
        return FinishReason.ATTEMPTS
    return FinishReason.INTERRUPTED if is_recovered else FinishReason.SCHEDULE
