"""The node's metrics: the catalogue made real on a registry of its own."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, disable_created_metrics
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

from noderr.telemetry import catalogue
from noderr.telemetry.catalogue import MetricSpec

METRICS_CONTENT_TYPE = CONTENT_TYPE_LATEST


class NodeMetrics:
    """The metrics that every node has. Packages of a tier add their own to the same `registry`."""

    def __init__(self, registry: CollectorRegistry, *, tier: str, version: str) -> None:
        # One more series for each counter, of a value that no alert uses.
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self.registry = registry
        self.node_ready = gauge(catalogue.NODE_READY, registry)
        self.service_up = gauge(catalogue.SERVICE_UP, registry)
        self.service_restarts = counter(catalogue.SERVICE_RESTARTS, registry)
        self.event_loop_lag = histogram(catalogue.EVENT_LOOP_LAG, registry)
        self.http_requests = counter(catalogue.HTTP_REQUESTS, registry)
        self.http_duration = histogram(catalogue.HTTP_DURATION, registry)
        self.http_connections_cut = counter(catalogue.HTTP_CONNECTIONS_CUT, registry)
        self.bus_published = counter(catalogue.BUS_PUBLISHED, registry)
        self.bus_dropped = counter(catalogue.BUS_DROPPED, registry)
        self.bus_failed = counter(catalogue.BUS_FAILED, registry)
        self.bus_queue = gauge(catalogue.BUS_QUEUE, registry)
        self.peers_configured = gauge(catalogue.PEERS_CONFIGURED, registry)
        self.peers_connected = gauge(catalogue.PEERS_CONNECTED, registry)
        self.peer_up = gauge(catalogue.PEER_UP, registry)
        self.peer_queue = gauge(catalogue.PEER_QUEUE, registry)
        self.peer_sent = counter(catalogue.PEER_SENT, registry)
        self.peer_received = counter(catalogue.PEER_RECEIVED, registry)
        self.peer_round_trip = histogram(catalogue.PEER_ROUND_TRIP, registry)
        self.consensus_rounds = counter(catalogue.CONSENSUS_ROUNDS, registry)
        self.consensus_duration = histogram(catalogue.CONSENSUS_DURATION, registry)
        self.consensus_refused = counter(catalogue.CONSENSUS_REFUSED, registry)
        self.consensus_equivocations = counter(catalogue.CONSENSUS_EQUIVOCATIONS, registry)
        self.consensus_guarded = counter(catalogue.CONSENSUS_GUARDED, registry)
        self.risk_decisions = counter(catalogue.RISK_DECISIONS, registry)
        self.risk_denials = counter(catalogue.RISK_DENIALS, registry)
        self.safety_mode = gauge(catalogue.SAFETY_MODE, registry)
        self.coordinator_up = gauge(catalogue.COORDINATOR_UP, registry)
        self.coordinator_requests = counter(catalogue.COORDINATOR_REQUESTS, registry)
        self.clock_offset = gauge(catalogue.CLOCK_OFFSET, registry)
        self.spool_records = gauge(catalogue.SPOOL_RECORDS, registry)
        self.spool_bytes = gauge(catalogue.SPOOL_BYTES, registry)
        self.spool_limit = gauge(catalogue.SPOOL_LIMIT, registry)
        self.spool_dropped = counter(catalogue.SPOOL_DROPPED, registry)
        self.telemetry_sent = counter(catalogue.TELEMETRY_SENT, registry)
        self.data_free = gauge(catalogue.DATA_FREE, registry)
        self.data_size = gauge(catalogue.DATA_SIZE, registry)
        gauge(catalogue.BUILD_INFO, registry).labels(tier, version).set(1)
        ProcessCollector(registry=registry)

    def render(self) -> bytes:
        """All metrics in Prometheus' text format."""
        return generate_latest(self.registry)


def gauge(spec: MetricSpec, registry: CollectorRegistry) -> Gauge:
    """The gauge that `spec` describes, on `registry`."""
    return Gauge(spec.name, spec.help, spec.labels, registry=registry)


def counter(spec: MetricSpec, registry: CollectorRegistry) -> Counter:
    """The counter that `spec` describes, on `registry`."""
    return Counter(spec.name, spec.help, spec.labels, registry=registry)


def histogram(spec: MetricSpec, registry: CollectorRegistry) -> Histogram:
    """The histogram that `spec` describes, on `registry`."""
    return Histogram(spec.name, spec.help, spec.labels, registry=registry, buckets=spec.buckets)
