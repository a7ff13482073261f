"""The dashboard of one process: everything that a node's operator asks about it."""

from __future__ import annotations

from monitoring.dashboard import Dashboard, Panel, Query, Row, Variable
from monitoring.fleet import Fleet, memory_limit

_HERE = 'job=~"$job", node=~"$node"'
_RANGE = "[$__rate_interval]"


def node_dashboard(fleet: Fleet) -> Dashboard:
    """Nodes and services alike, chosen by job and node."""
    return Dashboard(
        uid="noderr-node",
        title="NodeOS node",
        description="One or more nodes: is it up, is it ready, and what keeps it busy.",
        variables=(
            Variable("job", "Tier or service", f'up{{job=~"{"|".join(fleet.jobs)}"}}', "job"),
            Variable("node", "Node", 'up{job=~"$job"}', "node"),
        ),
        rows=(_state(), _work(), _peers(), _consensus(), _trading(), _feeds(), _bus(), _reporting(), _machine(fleet)),
    )


def _state() -> Row:
    return Row(
        "State",
        (
            Panel("Answers", "The last scrape worked.", (_here("up", "{{node}}"),), kind="stat", width=6, yes_no=True),
            Panel(
                "Ready",
                "/ready answers 200: it can do all of its tier's work.",
                (_here("noderr_node_ready", "{{node}}"),),
                kind="stat",
                width=6,
                yes_no=True,
            ),
            Panel(
                "Version",
                "What runs.",
                (_here("noderr_build_info", "{{node}} {{version}}"),),
                kind="stat",
                width=6,
            ),
            Panel(
                "Up for",
                "Time since the process started.",
                (Query(f"time() - process_start_time_seconds{{{_HERE}}}", "{{node}}"),),
                "s",
                kind="stat",
                width=6,
            ),
            Panel(
                "Services",
                "Each service of the process: does it run?",
                (_here("noderr_service_up", "{{node}} {{service}}"),),
                kind="state-timeline",
                width=16,
                height=9,
                yes_no=True,
            ),
            Panel(
                "Restarts of services",
                "In the last 15 minutes.",
                (Query(f"increase(noderr_service_restarts_total{{{_HERE}}}[15m]) > 0", "{{node}} {{service}}"),),
                height=9,
            ),
        ),
    )


def _work() -> Row:
    return Row(
        "Work",
        (
            Panel(
                "Event loop late by",
                "How late the loop wakes a task: half of the times, and 99 of 100.",
                (
                    _quantile(0.5, "noderr_event_loop_lag_seconds", "{{node}} p50"),
                    _quantile(0.99, "noderr_event_loop_lag_seconds", "{{node}} p99"),
                ),
                "s",
            ),
            Panel(
                "HTTP requests",
                "Answers by route and status.",
                (
                    Query(
                        f"sum by (node, route, status) (rate(noderr_http_requests_total{{{_HERE}}}{_RANGE}))",
                        "{{node}} {{route}} {{status}}",
                    ),
                ),
                "reqps",
            ),
            Panel(
                "HTTP time, p99",
                "From a request's head to the end of its answer.",
                (_quantile(0.99, "noderr_http_request_duration_seconds", "{{node}} {{method}} {{route}}"),),
                "s",
            ),
            Panel(
                "Connections cut",
                "Clients that were slow, asked too much or did not read.",
                (
                    _rate(
                        "noderr_http_connections_cut_total", "node, service, reason", "{{node}} {{service}} {{reason}}"
                    ),
                ),
                "cps",
                width=24,
            ),
        ),
    )


def _peers() -> Row:
    return Row(
        "Peers",
        (
            Panel(
                "Peers",
                "On the list, and answering.",
                (
                    _here("noderr_peers_configured", "{{node}} on the list"),
                    _here("noderr_peers_connected", "{{node}} answering"),
                ),
            ),
            Panel(
                "Peer answers",
                "By peer.",
                (_here("noderr_peer_up", "{{node}} → {{peer}}"),),
                kind="state-timeline",
                width=16,
                yes_no=True,
            ),
            Panel(
                "Round trip",
                "From a hello to its answer, all peers.",
                (
                    _quantile(0.5, "noderr_peer_round_trip_seconds", "{{node}} p50"),
                    _quantile(0.95, "noderr_peer_round_trip_seconds", "{{node}} p95"),
                ),
                "s",
            ),
            Panel(
                "Messages to peers",
                "Delivered, failed or dropped.",
                (_rate("noderr_peer_sent_total", "node, outcome", "{{node}} {{outcome}}"),),
                "mps",
            ),
            Panel(
                "Messages from peers",
                "Taken, refused or limited.",
                (_rate("noderr_peer_received_total", "node, outcome", "{{node}} {{outcome}}"),),
                "mps",
            ),
            Panel(
                "Waiting for peers",
                "Messages in the queue of each peer.",
                (_here("noderr_peer_queue_messages", "{{node}} → {{peer}}"),),
                width=24,
            ),
        ),
    )


def _consensus() -> Row:
    return Row(
        "Consensus",
        (
            Panel(
                "Rounds that ended",
                "In the last 15 minutes: decided, or failed by a timeout or for want of a majority.",
                (
                    Query(
                        f"sum by (node, protocol, outcome) (increase(noderr_consensus_rounds_total{{{_HERE}}}[15m]))",
                        "{{node}} {{protocol}} {{outcome}}",
                    ),
                ),
            ),
            Panel(
                "Time of a round",
                "From its start to its end on this node: half of them, and 95 of 100.",
                (
                    _quantile(0.5, "noderr_consensus_round_duration_seconds", "{{node}} {{protocol}} p50"),
                    _quantile(0.95, "noderr_consensus_round_duration_seconds", "{{node}} {{protocol}} p95"),
                ),
                "s",
            ),
            Panel(
                "Messages that did not count",
                "By reason; duplicates are rightful.",
                (
                    _rate(
                        "noderr_consensus_refused_total", "node, protocol, reason", "{{node}} {{protocol}} {{reason}}"
                    ),
                ),
                "mps",
            ),
            Panel(
                "Voters that signed two things",
                "Proofs in the last hour.",
                (
                    Query(
                        f"sum by (node, protocol) (increase(noderr_consensus_equivocations_total{{{_HERE}}}[1h]))",
                        "{{node}} {{protocol}}",
                    ),
                ),
                width=12,
            ),
            Panel(
                "Signatures that the guard refused",
                "In the last hour.",
                (
                    Query(
                        f"sum by (node, protocol) (increase(noderr_consensus_guarded_total{{{_HERE}}}[1h]))",
                        "{{node}} {{protocol}}",
                    ),
                ),
                width=12,
            ),
        ),
    )


def _trading() -> Row:
    return Row(
        "Trading",
        (
            Panel(
                "Mode",
                "What a guardian may approve: trades on paper, real ones, or none.",
                (Query(f"noderr_safety_mode{{{_HERE}}} == 1", "{{node}} {{mode}}"),),
            ),
            Panel(
                "Orders that the gate judged",
                "In the last 15 minutes.",
                (
                    Query(
                        f"sum by (node, outcome) (increase(noderr_risk_decisions_total{{{_HERE}}}[15m]))",
                        "{{node}} {{outcome}}",
                    ),
                ),
            ),
            Panel(
                "Why orders were denied",
                "In the last 15 minutes; one order may have several reasons.",
                (
                    Query(
                        f"sum by (node, reason) (increase(noderr_risk_denials_total{{{_HERE}}}[15m]))",
                        "{{node}} {{reason}}",
                    ),
                ),
            ),
        ),
    )


def _feeds() -> Row:
    return Row(
        "Market feeds",
        (
            Panel(
                "Venue is connected",
                "The connection is open. Only validators have feeds.",
                (_here("noderr_feed_connected", "{{node}} {{venue}}"),),
                kind="state-timeline",
                yes_no=True,
            ),
            Panel(
                "Frames",
                "What arrives from each venue.",
                (_rate("noderr_feed_frames_total", "node, venue", "{{node}} {{venue}}"),),
                "eps",
            ),
            Panel(
                "Bytes",
                "Of these frames.",
                (_rate("noderr_feed_received_bytes_total", "node, venue", "{{node}} {{venue}}"),),
                "Bps",
            ),
            Panel(
                "Round trip",
                "From a ping to its answer, 99 of 100.",
                (_quantile(0.99, "noderr_feed_round_trip_seconds", "{{node}}"),),
                "s",
            ),
            Panel(
                "Books lost and asked for anew",
                "In the last 15 minutes: a gap, a wrong checksum or a frame twice; each book is asked for again.",
                tuple(
                    Query(
                        f"sum by (node, venue, symbol) (increase(noderr_feed_{what}_total{{{_HERE}}}[15m]))",
                        f"{{{{node}}}} {{{{venue}}}} {{{{symbol}}}} {what}",
                    )
                    for what in ("gaps", "resyncs", "duplicates")
                ),
            ),
            Panel(
                "Tries to connect",
                "In the last 15 minutes.",
                (
                    Query(
                        f"sum by (node, venue, outcome) (increase(noderr_feed_connections_total{{{_HERE}}}[15m]))",
                        "{{node}} {{venue}} {{outcome}}",
                    ),
                ),
            ),
        ),
    )


def _bus() -> Row:
    by_subscriber = "node, topic, subscriber"
    return Row(
        "Bus",
        (
            Panel(
                "Events published",
                "By topic.",
                (_rate("noderr_bus_published_total", "node, topic", "{{node}} {{topic}}"),),
                "eps",
            ),
            Panel(
                "Waiting for subscribers",
                "Events in the queue of each subscriber.",
                (_here("noderr_bus_queue_events", "{{node}} {{topic}} → {{subscriber}}"),),
            ),
            Panel(
                "Events lost",
                "Those that a slow subscriber never got, and those on which its handler failed.",
                (
                    _rate("noderr_bus_dropped_total", by_subscriber, "{{node}} {{topic}} → {{subscriber}} dropped"),
                    _rate("noderr_bus_failed_total", by_subscriber, "{{node}} {{topic}} → {{subscriber}} failed"),
                ),
                "eps",
            ),
        ),
    )


def _reporting() -> Row:
    return Row(
        "Reporting",
        (
            Panel(
                "Coordinator takes heartbeats",
                "The last one was taken.",
                (_here("noderr_coordinator_up", "{{node}}"),),
                kind="state-timeline",
                yes_no=True,
            ),
            Panel(
                "Requests to the coordinator",
                "Accepted, refused or unreachable.",
                (_rate("noderr_coordinator_requests_total", "node, kind, outcome", "{{node}} {{kind}} {{outcome}}"),),
                "reqps",
            ),
            Panel(
                "Clock offset",
                "This node's clock less the coordinator's.",
                (_here("noderr_clock_offset_seconds", "{{node}}"),),
                "s",
                signed=True,
            ),
            Panel(
                "Telemetry spool",
                "What the coordinator has not taken, and the size at which the oldest is dropped.",
                (
                    _here("noderr_telemetry_spool_bytes", "{{node}}"),
                    _here("noderr_telemetry_spool_limit_bytes", "{{node}} limit"),
                ),
                "bytes",
            ),
            Panel(
                "Telemetry waiting",
                "Records in the spool.",
                (_here("noderr_telemetry_spool_records", "{{node}}"),),
            ),
            Panel(
                "Telemetry sent and lost",
                "Records that the coordinator has taken, and those dropped because the spool was full.",
                (
                    _rate("noderr_telemetry_sent_total", "node", "{{node}} sent"),
                    _rate("noderr_telemetry_dropped_total", "node", "{{node}} dropped"),
                ),
                "cps",
            ),
        ),
    )


def _machine(fleet: Fleet) -> Row:
    return Row(
        "Machine",
        (
            Panel(
                "Memory",
                "Resident memory, and the limit of the manifest.",
                (
                    _here("process_resident_memory_bytes", "{{node}}"),
                    _limit(fleet, {one.name: memory_limit(one) for one in fleet}),
                ),
                "decbytes",
            ),
            Panel(
                "CPU",
                "Cores in use, and the limit of the manifest.",
                (
                    _rate("process_cpu_seconds_total", "node", "{{node}}"),
                    _limit(fleet, {one.name: str(one.cpu_cores.max) for one in fleet}),
                ),
            ),
            Panel(
                "Data volume",
                "Free space, and the size of its file system.",
                (_here("noderr_data_free_bytes", "{{node}} free"), _here("noderr_data_size_bytes", "{{node}} size")),
                "decbytes",
            ),
            Panel(
                "File descriptors",
                "Open ones, and the limit.",
                (_here("process_open_fds", "{{node}}"), _here("process_max_fds", "{{node}} limit")),
            ),
            Panel(
                "Virtual memory",
                "Address space in use; only its growth says something.",
                (_here("process_virtual_memory_bytes", "{{node}}"),),
                "decbytes",
            ),
        ),
    )


def _here(name: str, legend: str) -> Query:
    return Query(f"{name}{{{_HERE}}}", legend)


def _rate(name: str, by: str, legend: str) -> Query:
    return Query(f"sum by ({by}) (rate({name}{{{_HERE}}}{_RANGE}))", legend)


def _quantile(share: float, name: str, legend: str) -> Query:
    return Query(f"histogram_quantile({share}, rate({name}_bucket{{{_HERE}}}{_RANGE}))", legend)


def _limit(fleet: Fleet, limits: dict[str, str]) -> Query:
    """The limit of each job that is shown, as a line of its own."""
    lines = (f'max by (job) (up{{{_HERE}, job="{job}"}}) * 0 + {limits[job]}' for job in fleet.jobs)
    return Query(" or ".join(lines), "{{job}} limit")
