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
HTTP_CONNECTIONS_CUT = MetricSpec(
    "noderr_http_connections_cut_total",
    "counter",
    "Connections ended because the client was slow, asked too much or did not read.",
    ("service", "reason"),
)

# The bus. Topics and subscribers are few and fixed by the code.
BUS_PUBLISHED = MetricSpec("noderr_bus_published_total", "counter", "Events published.", ("topic",))
BUS_DROPPED = MetricSpec(
    "noderr_bus_dropped_total", "counter", "Events that a slow subscriber never got.", ("topic", "subscriber")
)
BUS_FAILED = MetricSpec("noderr_bus_failed_total", "counter", "Events whose handler raised.", ("topic", "subscriber"))
BUS_QUEUE = MetricSpec(
    "noderr_bus_queue_events", "gauge", "Events that wait for a subscriber.", ("topic", "subscriber")
)

# Peers. `peer` is a node id; only nodes of the peer list become labels.
PEERS_CONFIGURED = MetricSpec("noderr_peers_configured", "gauge", "Nodes on the peer list.")
PEERS_CONNECTED = MetricSpec("noderr_peers_connected", "gauge", "Nodes on the peer list that answered lately.")
PEER_UP = MetricSpec("noderr_peer_up", "gauge", "1 while the peer answers, else 0.", ("peer",))
PEER_QUEUE = MetricSpec("noderr_peer_queue_messages", "gauge", "Messages that wait for the peer.", ("peer",))
PEER_SENT = MetricSpec(
    "noderr_peer_sent_total", "counter", "Messages to the peer: delivered, failed or dropped.", ("peer", "outcome")
)
PEER_RECEIVED = MetricSpec(
    "noderr_peer_received_total", "counter", "Messages from the peer: taken, refused or limited.", ("peer", "outcome")
)
PEER_ROUND_TRIP = MetricSpec(
    "noderr_peer_round_trip_seconds",
    "histogram",
    "Time from a hello to its answer.",
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5),
)

# Consensus. `protocol` is the tier's: oracle, guardian or validator.
CONSENSUS_ROUNDS = MetricSpec(
    "noderr_consensus_rounds_total", "counter", "Rounds that ended: decided or failed.", ("protocol", "outcome")
)
CONSENSUS_DURATION = MetricSpec(
    "noderr_consensus_round_duration_seconds",
    "histogram",
    "Time from a round's start to its end on this node.",
    ("protocol",),
    (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0),
)
CONSENSUS_REFUSED = MetricSpec(
    "noderr_consensus_refused_total", "counter", "Messages that did not count.", ("protocol", "reason")
)
CONSENSUS_EQUIVOCATIONS = MetricSpec(
    "noderr_consensus_equivocations_total", "counter", "Proofs that a voter signed two things.", ("protocol",)
)
CONSENSUS_GUARDED = MetricSpec(
    "noderr_consensus_guarded_total", "counter", "Signatures that the double-sign guard refused.", ("protocol",)
)

# What a guardian makes of trades. `reason` is a code of the gate; `mode` paper, live or halted.
RISK_DECISIONS = MetricSpec(
    "noderr_risk_decisions_total", "counter", "Orders that the gate judged: approved or denied.", ("outcome",)
)
RISK_DENIALS = MetricSpec(
    "noderr_risk_denials_total",
    "counter",
    "Reasons that orders were denied for; one order may have several.",
    ("reason",),
)
SAFETY_MODE = MetricSpec(
    "noderr_safety_mode", "gauge", "1 for the mode that the node is in, 0 for the others.", ("mode",)
)

# The coordinator and what is meant for it.
COORDINATOR_UP = MetricSpec("noderr_coordinator_up", "gauge", "1 when the coordinator took the last heartbeat, else 0.")
COORDINATOR_REQUESTS = MetricSpec(
    "noderr_coordinator_requests_total",
    "counter",
    "Requests to the coordinator: accepted, refused or unreachable.",
    ("kind", "outcome"),
)
CLOCK_OFFSET = MetricSpec(
    "noderr_clock_offset_seconds", "gauge", "This node's clock less the coordinator's, at the last heartbeat."
)
SPOOL_RECORDS = MetricSpec("noderr_telemetry_spool_records", "gauge", "Records that the coordinator has not taken yet.")
SPOOL_BYTES = MetricSpec("noderr_telemetry_spool_bytes", "gauge", "Size of these records.")
SPOOL_LIMIT = MetricSpec("noderr_telemetry_spool_limit_bytes", "gauge", "Size at which the oldest records are dropped.")
SPOOL_DROPPED = MetricSpec("noderr_telemetry_dropped_total", "counter", "Records dropped because the spool was full.")
TELEMETRY_SENT = MetricSpec("noderr_telemetry_sent_total", "counter", "Records that the coordinator has taken.")

# The data volume.
DATA_FREE = MetricSpec("noderr_data_free_bytes", "gauge", "Free space where the node keeps its state.")
DATA_SIZE = MetricSpec("noderr_data_size_bytes", "gauge", "Size of the file system where the node keeps its state.")

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
    HTTP_CONNECTIONS_CUT,
    BUS_PUBLISHED,
    BUS_DROPPED,
    BUS_FAILED,
    BUS_QUEUE,
    PEERS_CONFIGURED,
    PEERS_CONNECTED,
    PEER_UP,
    PEER_QUEUE,
    PEER_SENT,
    PEER_RECEIVED,
    PEER_ROUND_TRIP,
    CONSENSUS_ROUNDS,
    CONSENSUS_DURATION,
    CONSENSUS_REFUSED,
    CONSENSUS_EQUIVOCATIONS,
    CONSENSUS_GUARDED,
    RISK_DECISIONS,
    RISK_DENIALS,
    SAFETY_MODE,
    COORDINATOR_UP,
    COORDINATOR_REQUESTS,
    CLOCK_OFFSET,
    SPOOL_RECORDS,
    SPOOL_BYTES,
    SPOOL_LIMIT,
    SPOOL_DROPPED,
    TELEMETRY_SENT,
    DATA_FREE,
    DATA_SIZE,
    *PROCESS,
)
