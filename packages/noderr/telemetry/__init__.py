"""What a node tells about itself: JSON logs without secrets, the metric catalogue, and the event loop's heartbeat.

Imports nothing of `noderr.core`; what is a service here is one by its shape.
"""

from noderr.telemetry.catalogue import CATALOGUE, MetricSpec
from noderr.telemetry.errors import LogLevelError, TelemetryError
from noderr.telemetry.heartbeat import LoopHeartbeat
from noderr.telemetry.logs import configure_logging
from noderr.telemetry.metrics import METRICS_CONTENT_TYPE, NodeMetrics

__all__ = [
    "CATALOGUE",
    "METRICS_CONTENT_TYPE",
    "LogLevelError",
    "LoopHeartbeat",
    "MetricSpec",
    "NodeMetrics",
    "TelemetryError",
    "configure_logging",
]
