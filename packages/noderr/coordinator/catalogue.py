"""The coordinator's own metric families. Beside them its process exposes those of `noderr.telemetry` that it drives."""

from __future__ import annotations

from noderr.telemetry import MetricSpec

NODES = MetricSpec(
    "noderr_coordinator_nodes",
    "gauge",
    "Nodes that are enrolled and not suspended: online, late, silent or never heard.",
    ("tier", "state"),
)
MESSAGES = MetricSpec(
    "noderr_coordinator_messages_total",
    "counter",
    "Messages from nodes (heartbeat, telemetry or peers): accepted, duplicate or refused.",
    ("kind", "outcome"),
)
RECORDS = MetricSpec("noderr_coordinator_records_total", "counter", "Telemetry records stored, each counted once.")
REQUEST_DURATION = MetricSpec(
    "noderr_coordinator_request_duration_seconds",
    "histogram",
    "Time from a node's message to its answer.",
    ("kind",),
    (0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0),
)
STORE_UP = MetricSpec("noderr_coordinator_store_up", "gauge", "1 when the last use of the store succeeded, else 0.")

COORDINATOR_CATALOGUE = (NODES, MESSAGES, RECORDS, REQUEST_DURATION, STORE_UP)
"""What a coordinator exposes beside `noderr.telemetry.CATALOGUE`."""
