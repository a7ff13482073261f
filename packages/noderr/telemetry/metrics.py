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
        self.node_ready = _gauge(catalogue.NODE_READY, registry)
        self.service_up = _gauge(catalogue.SERVICE_UP, registry)
        self.service_restarts = _counter(catalogue.SERVICE_RESTARTS, registry)
        self.event_loop_lag = _histogram(catalogue.EVENT_LOOP_LAG, registry)
        self.http_requests = _counter(catalogue.HTTP_REQUESTS, registry)
        self.http_duration = _histogram(catalogue.HTTP_DURATION, registry)
        _gauge(catalogue.BUILD_INFO, registry).labels(tier, version).set(1)
        ProcessCollector(registry=registry)

    def render(self) -> bytes:
        """All metrics in Prometheus' text format."""
        return generate_latest(self.registry)


def _gauge(spec: MetricSpec, registry: CollectorRegistry) -> Gauge:
    return Gauge(spec.name, spec.help, spec.labels, registry=registry)


def _counter(spec: MetricSpec, registry: CollectorRegistry) -> Counter:
    return Counter(spec.name, spec.help, spec.labels, registry=registry)


def _histogram(spec: MetricSpec, registry: CollectorRegistry) -> Histogram:
    return Histogram(spec.name, spec.help, spec.labels, registry=registry, buckets=spec.buckets)
