"""The dashboard of one process: everything that a node's operator asks about it."""

from __future__ import annotations

from monitoring.dashboard import Dashboard, Panel, Query, Row, Variable
from monitoring.fleet import Fleet, memory_limit
from monitoring.node_queries import HERE, here, quantile, rate
from monitoring.trading_rows import consensus_row, execution_row, feeds_row, models_row, trading_row


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
        rows=(
            _state(),
            _work(),
            _peers(),
            models_row(),
            consensus_row(),
            trading_row(),
            execution_row(),
            feeds_row(),
            _bus(),
            _reporting(),
            _machine(fleet),
        ),
    )


def _state() -> Row:
    return Row(
        "State",
        (
            Panel("Answers", "The last scrape worked.", (here("up", "{{node}}"),), kind="stat", width=6, yes_no=True),
            Panel(
                "Ready",
                "/ready answers 200: it can do all of its tier's work.",
                (here("noderr_node_ready", "{{node}}"),),
                kind="stat",
                width=6,
                yes_no=True,
            ),
            Panel(
                "Version",
                "What runs.",
                (here("noderr_build_info", "{{node}} {{version}}"),),
                kind="stat",
                width=6,
            ),
            Panel(
                "Up for",
                "Time since the process started.",
                (Query(f"time() - process_start_time_seconds{{{HERE}}}", "{{node}}"),),
                "s",
                kind="stat",
                width=6,
            ),
            Panel(
                "Services",
                "Each service of the process: does it run?",
                (here("noderr_service_up", "{{node}} {{service}}"),),
                kind="state-timeline",
                width=16,
                height=9,
                yes_no=True,
            ),
            Panel(
                "Restarts of services",
                "In the last 15 minutes.",
                (Query(f"increase(noderr_service_restarts_total{{{HERE}}}[15m]) > 0", "{{node}} {{service}}"),),
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
                    quantile(0.5, "noderr_event_loop_lag_seconds", "{{node}} p50"),
                    quantile(0.99, "noderr_event_loop_lag_seconds", "{{node}} p99"),
                ),
                "s",
            ),
            Panel(
                "HTTP requests",
                "Answers by route and status.",
                (rate("noderr_http_requests_total", "node, route, status", "{{node}} {{route}} {{status}}"),),
                "reqps",
            ),
            Panel(
                "HTTP time, p99",
                "From a request's head to the end of its answer.",
                (quantile(0.99, "noderr_http_request_duration_seconds", "{{node}} {{method}} {{route}}"),),
                "s",
            ),
            Panel(
                "Connections cut",
                "Clients that were slow, asked too much or did not read.",
                (
                    rate(
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
                    here("noderr_peers_configured", "{{node}} on the list"),
                    here("noderr_peers_connected", "{{node}} answering"),
                ),
            ),
            Panel(
                "Peer answers",
                "By peer.",
                (here("noderr_peer_up", "{{node}} → {{peer}}"),),
                kind="state-timeline",
                width=16,
                yes_no=True,
            ),
            Panel(
                "Round trip",
                "From a hello to its answer, all peers.",
                (
                    quantile(0.5, "noderr_peer_round_trip_seconds", "{{node}} p50"),
                    quantile(0.95, "noderr_peer_round_trip_seconds", "{{node}} p95"),
                ),
                "s",
            ),
            Panel(
                "Messages to peers",
                "Delivered, failed or dropped.",
                (rate("noderr_peer_sent_total", "node, outcome", "{{node}} {{outcome}}"),),
                "mps",
            ),
            Panel(
                "Messages from peers",
                "Taken, refused or limited.",
                (rate("noderr_peer_received_total", "node, outcome", "{{node}} {{outcome}}"),),
                "mps",
            ),
            Panel(
                "Waiting for peers",
                "Messages in the queue of each peer.",
                (here("noderr_peer_queue_messages", "{{node}} → {{peer}}"),),
                width=24,
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
                (rate("noderr_bus_published_total", "node, topic", "{{node}} {{topic}}"),),
                "eps",
            ),
            Panel(
                "Waiting for subscribers",
                "Events in the queue of each subscriber.",
                (here("noderr_bus_queue_events", "{{node}} {{topic}} → {{subscriber}}"),),
            ),
            Panel(
                "Events lost",
                "Those that a slow subscriber never got, and those on which its handler failed.",
                (
                    rate("noderr_bus_dropped_total", by_subscriber, "{{node}} {{topic}} → {{subscriber}} dropped"),
                    rate("noderr_bus_failed_total", by_subscriber, "{{node}} {{topic}} → {{subscriber}} failed"),
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
                (here("noderr_coordinator_up", "{{node}}"),),
                kind="state-timeline",
                yes_no=True,
            ),
            Panel(
                "Requests to the coordinator",
                "Accepted, refused or unreachable.",
                (rate("noderr_coordinator_requests_total", "node, kind, outcome", "{{node}} {{kind}} {{outcome}}"),),
                "reqps",
            ),
            Panel(
                "Clock offset",
                "This node's clock less the coordinator's.",
                (here("noderr_clock_offset_seconds", "{{node}}"),),
                "s",
                signed=True,
            ),
            Panel(
                "Telemetry spool",
                "What the coordinator has not taken, and the size at which the oldest is dropped.",
                (
                    here("noderr_telemetry_spool_bytes", "{{node}}"),
                    here("noderr_telemetry_spool_limit_bytes", "{{node}} limit"),
                ),
                "bytes",
            ),
            Panel(
                "Telemetry waiting",
                "Records in the spool.",
                (here("noderr_telemetry_spool_records", "{{node}}"),),
            ),
            Panel(
                "Telemetry sent and lost",
                "Records that the coordinator has taken, and those dropped because the spool was full.",
                (
                    rate("noderr_telemetry_sent_total", "node", "{{node}} sent"),
                    rate("noderr_telemetry_dropped_total", "node", "{{node}} dropped"),
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
                    here("process_resident_memory_bytes", "{{node}}"),
                    _limit(fleet, {one.name: memory_limit(one) for one in fleet}),
                ),
                "decbytes",
            ),
            Panel(
                "CPU",
                "Cores in use, and the limit of the manifest.",
                (
                    rate("process_cpu_seconds_total", "node", "{{node}}"),
                    _limit(fleet, {one.name: str(one.cpu_cores.max) for one in fleet}),
                ),
            ),
            Panel(
                "Data volume",
                "Free space, and the size of its file system.",
                (here("noderr_data_free_bytes", "{{node}} free"), here("noderr_data_size_bytes", "{{node}} size")),
                "decbytes",
            ),
            Panel(
                "File descriptors",
                "Open ones, and the limit.",
                (here("process_open_fds", "{{node}}"), here("process_max_fds", "{{node}} limit")),
            ),
            Panel(
                "Virtual memory",
                "Address space in use; only its growth says something.",
                (here("process_virtual_memory_bytes", "{{node}}"),),
                "decbytes",
            ),
        ),
    )


def _limit(fleet: Fleet, limits: dict[str, str]) -> Query:
    """The limit of each job that is shown, as a line of its own."""
    lines = (f'max by (job) (up{{{HERE}, job="{job}"}}) * 0 + {limits[job]}' for job in fleet.jobs)
    return Query(" or ".join(lines), "{{job}} limit")
