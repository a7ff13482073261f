"""The dashboard of the whole network: what its operator looks at first."""

from __future__ import annotations

from monitoring.dashboard import Dashboard, Panel, Query, Row, Variable
from monitoring.fleet import Fleet

_HERE = 'job=~"$job"'
_RANGE = "[$__rate_interval]"


def network_dashboard(fleet: Fleet) -> Dashboard:
    """Every node at a glance, and the coordinator."""
    return Dashboard(
        uid="noderr-network",
        title="NodeOS network",
        description="All nodes of the network and its coordinator.",
        variables=(Variable("job", "Tier", f"up{{{fleet.nodes}}}", "job"),),
        rows=(_nodes(fleet), _between(), _consensus(), _coordinator(), _load()),
    )


def _nodes(fleet: Fleet) -> Row:
    return Row(
        "Nodes",
        (
            Panel(
                "Nodes that answer",
                "By tier.",
                (Query(f"sum by (job) (up{{{fleet.nodes}}})", "{{job}}"),),
                kind="stat",
            ),
            Panel(
                "Nodes that are ready",
                "By tier.",
                (Query(f"sum by (job) (noderr_node_ready{{{fleet.nodes}}})", "{{job}}"),),
                kind="stat",
            ),
            Panel(
                "Versions",
                "How many nodes run which.",
                (Query(f"count by (job, version) (noderr_build_info{{{fleet.nodes}}})", "{{job}} {{version}}"),),
                kind="table",
            ),
            Panel(
                "Ready",
                "By node; a gap is a node that does not answer.",
                (Query(f"noderr_node_ready{{{_HERE}}}", "{{job}} {{node}}"),),
                kind="state-timeline",
                width=12,
                height=10,
                yes_no=True,
            ),
            Panel(
                "Services that do not run",
                "By node; empty is good.",
                (Query(f"noderr_service_up{{{_HERE}}} == 0", "{{node}} {{service}}"),),
                kind="table",
                width=12,
                height=10,
            ),
        ),
    )


def _between() -> Row:
    return Row(
        "Between nodes",
        (
            Panel(
                "Share of peers that answer",
                "By node. Below two thirds there is no quorum.",
                (Query(f"noderr_peers_connected{{{_HERE}}} / noderr_peers_configured{{{_HERE}}}", "{{node}}"),),
                "percentunit",
            ),
            Panel(
                "Round trip, p95",
                "The ten slowest nodes.",
                (
                    Query(
                        "topk(10, histogram_quantile(0.95, "
                        f"rate(noderr_peer_round_trip_seconds_bucket{{{_HERE}}}{_RANGE})))",
                        "{{node}}",
                    ),
                ),
                "s",
            ),
            Panel(
                "Messages that did not arrive",
                "Failed or dropped on the way to a peer.",
                (
                    Query(
                        'sum by (node, outcome) (rate(noderr_peer_sent_total{outcome!="delivered", '
                        f"{_HERE}}}{_RANGE}))",
                        "{{node}} {{outcome}}",
                    ),
                ),
                "mps",
            ),
        ),
    )


def _consensus() -> Row:
    ended = "sum by (node, protocol) (increase(noderr_consensus_rounds_total{{{}}}[15m]))"
    decided = f'outcome="decided", {_HERE}'
    return Row(
        "Consensus",
        (
            Panel(
                "Share of rounds decided",
                "Of those that ended in 15 minutes, by protocol: the node that saw the fewest.",
                (
                    Query(
                        f"min by (protocol) ({ended.format(decided)} / {ended.format(_HERE)})",
                        "{{protocol}}",
                    ),
                ),
                "percentunit",
            ),
            Panel(
                "Time of a round, p95",
                "By protocol, all nodes.",
                (
                    Query(
                        "histogram_quantile(0.95, sum by (protocol, le) "
                        f"(rate(noderr_consensus_round_duration_seconds_bucket{{{_HERE}}}{_RANGE})))",
                        "{{protocol}}",
                    ),
                ),
                "s",
            ),
            Panel(
                "Voters that signed two things",
                "Proofs in the last hour, by node that has them; empty is good.",
                (
                    Query(
                        "sum by (node, protocol) "
                        f"(increase(noderr_consensus_equivocations_total{{{_HERE}}}[1h])) > 0",
                        "{{node}} {{protocol}}",
                    ),
                ),
                kind="table",
            ),
        ),
    )


def _coordinator() -> Row:
    return Row(
        "Coordinator",
        (
            Panel(
                "Registry",
                "Nodes by tier and state, as the coordinator knows them.",
                (Query("sum by (tier, state) (noderr_coordinator_nodes)", "{{tier}} {{state}}"),),
            ),
            Panel(
                "Messages from nodes",
                "Accepted, duplicate or refused.",
                (
                    Query(
                        f"sum by (kind, outcome) (rate(noderr_coordinator_messages_total{_RANGE}))",
                        "{{kind}} {{outcome}}",
                    ),
                ),
                "mps",
            ),
            Panel(
                "Telemetry records stored",
                "Each counted once.",
                (Query(f"sum by (node) (rate(noderr_coordinator_records_total{_RANGE}))", "{{node}}"),),
                "cps",
            ),
            Panel(
                "Time for a message, p99",
                "By kind.",
                (
                    Query(
                        f"histogram_quantile(0.99, rate(noderr_coordinator_request_duration_seconds_bucket{_RANGE}))",
                        "{{node}} {{kind}}",
                    ),
                ),
                "s",
            ),
            Panel(
                "Store works",
                "The last use of it succeeded.",
                (Query("noderr_coordinator_store_up", "{{node}}"),),
                kind="state-timeline",
                yes_no=True,
            ),
            Panel(
                "Nodes that do not get through",
                "Their last heartbeat was not taken; empty is good.",
                (Query(f"noderr_coordinator_up{{{_HERE}}} == 0", "{{node}}"),),
                kind="table",
            ),
        ),
    )


def _load() -> Row:
    return Row(
        "Load",
        (
            Panel("Memory", "By node.", (Query(f"process_resident_memory_bytes{{{_HERE}}}", "{{node}}"),), "decbytes"),
            Panel(
                "CPU",
                "Cores in use, by node.",
                (Query(f"rate(process_cpu_seconds_total{{{_HERE}}}{_RANGE})", "{{node}}"),),
            ),
            Panel(
                "Event loop late by, p99",
                "The ten latest nodes.",
                (
                    Query(
                        "topk(10, histogram_quantile(0.99, "
                        f"rate(noderr_event_loop_lag_seconds_bucket{{{_HERE}}}{_RANGE})))",
                        "{{node}}",
                    ),
                ),
                "s",
            ),
            Panel(
                "Clock offset",
                "Each node's clock less the coordinator's.",
                (Query(f"noderr_clock_offset_seconds{{{_HERE}}}", "{{node}}"),),
                "s",
                signed=True,
            ),
            Panel(
                "Telemetry spool",
                "Share that is full.",
                (
                    Query(
                        f"noderr_telemetry_spool_bytes{{{_HERE}}} / noderr_telemetry_spool_limit_bytes{{{_HERE}}}",
                        "{{node}}",
                    ),
                ),
                "percentunit",
            ),
            Panel(
                "Data volume",
                "Share that is free.",
                (Query(f"noderr_data_free_bytes{{{_HERE}}} / noderr_data_size_bytes{{{_HERE}}}", "{{node}}"),),
                "percentunit",
            ),
        ),
    )
