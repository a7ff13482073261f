"""What the feeds expose beside `noderr.telemetry.CATALOGUE`. Labels are those of NODEOS_FEEDS, at most 64."""

from __future__ import annotations

from prometheus_client import CollectorRegistry

from noderr.telemetry import MetricSpec
from noderr.telemetry.metrics import counter, gauge, histogram

CONNECTED = MetricSpec("noderr_feed_connected", "gauge", "1 while the connection is open, else 0.", ("venue",))
CONNECTIONS = MetricSpec(
    "noderr_feed_connections_total", "counter", "Tries to connect: opened or failed.", ("venue", "outcome")
)
FRAMES = MetricSpec("noderr_feed_frames_total", "counter", "Frames received.", ("venue",))
BYTES = MetricSpec("noderr_feed_received_bytes_total", "counter", "Bytes of these frames.", ("venue",))
ROUND_TRIP = MetricSpec(
    "noderr_feed_round_trip_seconds",
    "histogram",
    "Time from a ping to its answer.",
    ("venue",),
    (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0),
)
GAPS = MetricSpec("noderr_feed_gaps_total", "counter", "Times a book was lost.", ("venue", "symbol"))
DUPLICATES = MetricSpec("noderr_feed_duplicates_total", "counter", "Frames that were known.", ("venue", "symbol"))
RESYNCS = MetricSpec("noderr_feed_resyncs_total", "counter", "Times a book was asked for anew.", ("venue", "symbol"))

FEED_CATALOGUE = (CONNECTED, CONNECTIONS, FRAMES, BYTES, ROUND_TRIP, GAPS, DUPLICATES, RESYNCS)


class FeedMetrics:
    """The catalogue made real, once for all feeds of a node."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.connected = gauge(CONNECTED, registry)
        self.connections = counter(CONNECTIONS, registry)
        self.frames = counter(FRAMES, registry)
        self.received_bytes = counter(BYTES, registry)
        self.round_trip = histogram(ROUND_TRIP, registry)
        self.gaps = counter(GAPS, registry)
        self.duplicates = counter(DUPLICATES, registry)
        self.resyncs = counter(RESYNCS, registry)
