"""What an oracle's models expose beside `noderr.telemetry.CATALOGUE`. `market` is one of NODEOS_MARKETS, at most 16."""

from __future__ import annotations

from prometheus_client import CollectorRegistry

from noderr.telemetry import MetricSpec
from noderr.telemetry.metrics import counter

VIEWS = MetricSpec("noderr_alpha_views_total", "counter", "Views of markets: taken, refused or unasked.", ("outcome",))
FORECASTS = MetricSpec("noderr_alpha_forecasts_total", "counter", "Forecasts that a model gave.", ("market", "model"))
ABSTENTIONS = MetricSpec(
    "noderr_alpha_abstentions_total",
    "counter",
    "Times that no model gave a forecast, by the last one's reason.",
    ("market", "reason"),
)

ALPHA_CATALOGUE = (VIEWS, FORECASTS, ABSTENTIONS)


class AlphaMetrics:
    """The catalogue made real."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.views = counter(VIEWS, registry)
        self.forecasts = counter(FORECASTS, registry)
        self.abstentions = counter(ABSTENTIONS, registry)
        for outcome in ("taken", "refused", "unasked"):  # So that the first of them is an increase.
            self.views.labels(outcome)
