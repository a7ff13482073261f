"""What the engine exposes beside `noderr.telemetry.CATALOGUE`."""

from __future__ import annotations

from prometheus_client import CollectorRegistry

from noderr.execution.actions import FaultKind, SubmitResult
from noderr.execution.records import FinishReason
from noderr.telemetry import MetricSpec
from noderr.telemetry.metrics import counter, gauge, histogram

TRADES = MetricSpec("noderr_execution_trades_total", "counter", "Approved trades that ended, by how.", ("outcome",))
ORDERS = MetricSpec(
    "noderr_execution_orders_total", "counter", "Child orders: sent, surely not sent, or unknown.", ("outcome",)
)
FAULTS = MetricSpec("noderr_execution_faults_total", "counter", "What no venue should ever say or do.", ("kind",))
OPEN_TRADES = MetricSpec("noderr_execution_open_trades", "gauge", "Trades under way.")
HALTED = MetricSpec("noderr_execution_halted", "gauge", "1 while no new trade may begin.")
FIRST_FILL = MetricSpec(
    "noderr_execution_first_fill_seconds",
    "histogram",
    "From a trade's approval to its first fill.",
    buckets=(0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0),
)

EXECUTION_CATALOGUE = (TRADES, ORDERS, FAULTS, OPEN_TRADES, HALTED, FIRST_FILL)


class ExecutionMetrics:
    """The catalogue made real."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.trades = counter(TRADES, registry)
        self.orders = counter(ORDERS, registry)
        self.faults = counter(FAULTS, registry)
        self.open_trades = gauge(OPEN_TRADES, registry)
        self.halted = gauge(HALTED, registry)
        self.first_fill = histogram(FIRST_FILL, registry)
        for reason in FinishReason:  # So that the first of them is an increase.
            self.trades.labels(reason.value)
        for result in SubmitResult:
            self.orders.labels(result.value)
        for kind in FaultKind:
            self.faults.labels(kind.value)
