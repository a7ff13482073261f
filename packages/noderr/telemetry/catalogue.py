"""The metric catalogue: every series a node exposes. An alert or a dashboard may use these names and no others.

Names and units follow Prometheus' conventions: base units, `_total` for counters, one prefix for what is ours.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class MetricSpec:
    """One metric family. `name` is as Prometheus stores it; `buckets` are upper bounds in the unit of the name."""

    name: str
    kind: Literal["counter", "gauge", "histogram"]
    help: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()


BUILD_INFO = MetricSpec("noderr_build_info", "gauge", "Always 1; the labels say what runs.", ("tier", "version"))
NODE_READY = MetricSpec("noderr_node_ready", "gauge", "1 when /ready answers 200, else 0.")
SERVICE_UP = MetricSpec("noderr_service_up", "gauge", "1 while the service runs, else 0.", ("service",))
SERVICE_RESTARTS = MetricSpec(
    "noderr_service_restarts_total", "counter", "Times the service was started again.", ("service",)
)
EVENT_LOOP_LAG = MetricSpec(
    "noderr_event_loop_lag_seconds",
    "histogram",
    "How late the event loop woke a task that slept.",
    buckets=(0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0),
)
HTTP_REQUESTS = MetricSpec("noderr_http_requests_total", "counter", "Answered requests.", ("method", "route", "status"))
HTTP_DURATION = MetricSpec(
    "noderr_http_request_duration_seconds",
    "histogram",
    "Time from a request's head to the end of its answer.",
    ("method", "route"),
    (0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0),
)

PROCESS = (
    MetricSpec("process_cpu_seconds_total", "counter", "User and system CPU time."),
    MetricSpec("process_resident_memory_bytes", "gauge", "Resident memory."),
    MetricSpec("process_virtual_memory_bytes", "gauge", "Virtual memory."),
    MetricSpec("process_start_time_seconds", "gauge", "Start of the process, Unix time."),
    MetricSpec("process_open_fds", "gauge", "Open file descriptors."),
    MetricSpec("process_max_fds", "gauge", "Limit of open file descriptors."),
)
"""What prometheus-client's own process collector exposes."""

CATALOGUE = (
    BUILD_INFO,
    NODE_READY,
    SERVICE_UP,
    SERVICE_RESTARTS,
    EVENT_LOOP_LAG,
    HTTP_REQUESTS,
    HTTP_DURATION,
    *PROCESS,
)
