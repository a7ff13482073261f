"""The gate: every check, always all of them, on one order."""

from __future__ import annotations

from collections.abc import Callable

from noderr.risk_engine.case import MS, Case
from noderr.risk_engine.checks.exposure import check_exposure
from noderr.risk_engine.checks.freshness import check_freshness
from noderr.risk_engine.checks.funds import check_funds
from noderr.risk_engine.checks.losses import check_losses
from noderr.risk_engine.checks.order_shape import check_order_shape
from noderr.risk_engine.checks.repetition import check_repetition
from noderr.risk_engine.checks.size import check_price_collar, check_size
from noderr.risk_engine.checks.throttle import check_throttle
from noderr.risk_engine.checks.trading import check_trading
from noderr.risk_engine.decision import Decision, Outcome
from noderr.risk_engine.exact import exactly
from noderr.risk_engine.flow import OrderFlow
from noderr.risk_engine.limits import RiskLimits
from noderr.risk_engine.snapshot import PortfolioSnapshot
from noderr.risk_engine.trading_state import TradingState
from noderr.types.trading import Order

_CHECKS: tuple[Callable[[Case], None], ...] = (
    check_trading,
    check_order_shape,
    check_freshness,
    check_size,
    check_price_collar,
    check_exposure,
    check_funds,
    check_losses,
    check_repetition,
    check_throttle,
)


class PreTradeGate:
    """Judges new orders. Cancels need no gate: they make nothing riskier."""

    def __init__(self, limits: RiskLimits) -> None:
        self.limits = limits

    def new_flow(self) -> OrderFlow:
        """An empty memory of what is approved, as long as these limits need."""
        return OrderFlow(self.limits.flow_window_ms * MS)

    def check(
        self,
        order: Order,
        snapshot: PortfolioSnapshot,
        now_ns: int,
        *,
        flow: OrderFlow,
        state: TradingState,
        parent: str | None,
    ) -> Decision:
        """The same answer for the same arguments; it takes note of nothing: the caller records in `flow` what it does.

        `parent` names what the order follows from (a signal, a customer's order), None if from nothing.
        """
        flow.forget(now_ns)
        with exactly():
            case = Case(order, snapshot, limits=self.limits, flow=flow, state=state, parent=parent, now_ns=now_ns)
            for check in _CHECKS:
                check(case)
        return Decision(
            Outcome.DENIED if case.found else Outcome.APPROVED,
            tuple(case.found),
            case.worst_price,
            snapshot.digest,
            self.limits.digest,
        )
