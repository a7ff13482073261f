"""Rows of the node's dashboard about those that it speaks with: its peers, and the coordinator that it reports to."""

from __future__ import annotations

from monitoring.dashboard import Panel, Row
from monitoring.node_queries import here, quantile, rate


def peers_row() -> Row:
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


def reporting_row() -> Row:
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
