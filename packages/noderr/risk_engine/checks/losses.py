"""What was lost already. From the limit on, only what reduces passes. A gain is never a loss, however large."""

from __future__ import annotations

from noderr.risk_engine.case import Case
from noderr.risk_engine.reason_code import ReasonCode


def check_losses(case: Case) -> None:
    if case.reduces:
        return
    snapshot, limits = case.snapshot, case.limits
    lost = snapshot.day_start_equity - snapshot.equity
    if lost >= (most := snapshot.day_start_equity * limits.daily_loss_fraction):
        case.deny(ReasonCode.DAILY_LOSS, lost, most, limits.currency)
    down = snapshot.peak_equity - snapshot.equity
    if down >= (most := snapshot.peak_equity * limits.drawdown_fraction):
        case.deny(ReasonCode.DRAWDOWN, down, most, limits.currency)
