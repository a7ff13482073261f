"""Whether anything may be traded at all."""

from __future__ import annotations

from noderr.risk_engine.case import Case
from noderr.risk_engine.reason_code import ReasonCode
from noderr.risk_engine.trading_state import TradingState


def check_trading(case: Case) -> None:
    state = case.state
    if state is TradingState.ACTIVE:
        return
    if state is not TradingState.REDUCING:  # Whatever else it is, it is no leave to trade.
        case.deny(ReasonCode.TRADING_HALTED, str(state), TradingState.ACTIVE, "")
    elif not case.reduces:
        case.deny(ReasonCode.NOT_REDUCING, state, TradingState.ACTIVE, "")
