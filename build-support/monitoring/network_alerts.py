"""Alerts about what nodes are to each other and to the coordinator."""

from __future__ import annotations

from monitoring.alert import Alert, AlertGroup, backlog
from monitoring.fleet import Fleet

_WHERE = "job, instance, node"
_BFT_TIER = "oracle"
"""The tier that agrees by more than two thirds."""


def network_alerts(fleet: Fleet) -> tuple[AlertGroup, ...]:
    """Peers, the way to the coordinator, the coordinator itself, and the network as a whole."""
    return (_peers(), _reporting(), _coordinator(), _network(fleet))


def _peers() -> AlertGroup:
    return AlertGroup(
        "peers",
        (
            Alert(
                name="PeerDown",
                severity="warning",
                expression="noderr_peer_up == 0",
                hold="10m",
                summary="{{ $labels.job }} {{ $labels.node }} does not reach peer {{ $labels.peer }}",
                runbook=(
                    "If everybody misses this peer, it is the peer: see NodeDown. If only this node does, it is "
                    "the way between them or a wrong key: the log line of the peer names the reason."
                ),
            ),
            # With n peers of equal weight and itself a node needs 3 * (connected + 1) > 2 * (n + 1); in whole numbers
            # that fails exactly when 3 * connected < 2 * n.
            Alert(
                name="FewPeers",
                severity="critical",
                expression="3 * noderr_peers_connected < 2 * noderr_peers_configured",
                hold="2m",
                summary="{{ $labels.job }} {{ $labels.node }} reaches too few peers for a quorum",
                runbook=(
                    "Consensus cannot work from here. PeerDown names who is missing. If it is everybody, this "
                    "node's own network is cut: run its `check` command. If many nodes say so, the network is "
                    "split."
                ),
            ),
            Alert(
                name="PeerRoundTripSlow",
                severity="warning",
                expression="histogram_quantile(0.95, rate(noderr_peer_round_trip_seconds_bucket[5m])) > 0.3",
                hold="10m",
                summary="Peers of {{ $labels.job }} {{ $labels.node }} answer after {{ $value | humanizeDuration }}",
                runbook=(
                    "0.3 s is what a way around the world takes. If EventLoopLate fires here or at the peers, "
                    "start there; else it is the line of this machine: measure it with `ping` to another node."
                ),
            ),
            Alert(
                name="PeerQueueGrowing",
                severity="warning",
                expression=backlog("noderr_peer_queue_messages"),
                hold="5m",
                summary="Messages from {{ $labels.job }} {{ $labels.node }} to peer {{ $labels.peer }} pile up",
                runbook=(
                    "The peer takes less than it is sent, and what does not fit is dropped. See whether the peer "
                    "is down or late; others are not held up by it."
                ),
            ),
            Alert(
                name="PeerDropping",
                severity="warning",
                expression='increase(noderr_peer_sent_total{outcome="dropped"}[10m]) > 0',
                hold="5m",
                summary="{{ $labels.job }} {{ $labels.node }} dropped messages to peer {{ $labels.peer }}",
                runbook="The queue to that peer was full, so it lost what did not fit. As for PeerQueueGrowing.",
            ),
            Alert(
                name="PeerMisbehaving",
                severity="warning",
                expression='increase(noderr_peer_received_total{outcome=~"refused|limited"}[10m]) > 0',
                hold="10m",
                summary=(
                    "Peer {{ $labels.peer }} sends {{ $labels.job }} {{ $labels.node }} what is {{ "
                    "$labels.outcome }}"
                ),
                runbook=(
                    "Refused: another version, or messages that do not verify; compare versions first. Limited: "
                    "more than its share. If the peer's operator has no explanation, take it off the peer list."
                ),
            ),
        ),
    )


def _reporting() -> AlertGroup:
    asked = f"sum by ({_WHERE}) (rate(noderr_coordinator_requests_total[5m])) > 0"
    return AlertGroup(
        "reporting",
        (
            # A node without a coordinator asks for nothing, and misses none.
            Alert(
                name="CoordinatorUnreachable",
                severity="warning",
                expression=f"noderr_coordinator_up == 0 and {asked}",
                hold="10m",
                summary="{{ $labels.job }} {{ $labels.node }} does not get through to the coordinator",
                runbook=(
                    "If OperatorServiceDown fires, start there. Else run the node's `check` command: it tells a "
                    "wrong address, a wrong key and a blocked port apart. Telemetry waits on disk meanwhile."
                ),
            ),
            Alert(
                name="CoordinatorRefuses",
                severity="warning",
                expression='increase(noderr_coordinator_requests_total{outcome="refused"}[10m]) > 0',
                hold="10m",
                summary="The coordinator refuses {{ $labels.kind }} of {{ $labels.job }} {{ $labels.node }}",
                runbook=(
                    "The log holds the coordinator's reason. Most often: this node's key is not the registered "
                    "one, its clock is off, or two nodes run with one key."
                ),
            ),
            Alert(
                name="TelemetrySpoolFilling",
                severity="warning",
                expression="noderr_telemetry_spool_bytes / noderr_telemetry_spool_limit_bytes > 0.8",
                hold="5m",
                summary=(
                    "The telemetry spool of {{ $labels.job }} {{ $labels.node }} is {{ $value | "
                    "humanizePercentage }} full"
                ),
                runbook=(
                    "Bring the coordinator back before it is full: see CoordinatorUnreachable. To win time raise "
                    "NODEOS_TELEMETRY_SPOOL_MB and restart the node."
                ),
            ),
            Alert(
                name="TelemetryDropping",
                severity="critical",
                expression="increase(noderr_telemetry_dropped_total[10m]) > 0",
                hold="1m",
                summary="{{ $labels.job }} {{ $labels.node }} loses telemetry: its spool is full",
                runbook=(
                    "The oldest records are gone for good, and more go every minute. As for "
                    "TelemetrySpoolFilling, at once."
                ),
            ),
            Alert(
                name="ClockOff",
                severity="warning",
                expression="abs(noderr_clock_offset_seconds) > 1",
                hold="5m",
                summary="The clock of {{ $labels.job }} {{ $labels.node }} is off by {{ $value | humanizeDuration }}",
                runbook=(
                    "`timedatectl` on its machine must say that the clock is synchronised; else start the time "
                    "service. If every node says the same, the coordinator's clock is the one that is off."
                ),
            ),
            Alert(
                name="ClockFarOff",
                severity="critical",
                expression="abs(noderr_clock_offset_seconds) > 5",
                hold="2m",
                summary="The clock of {{ $labels.job }} {{ $labels.node }} is off by {{ $value | humanizeDuration }}",
                runbook=(
                    "Others will refuse what this node signs: its expiry is judged by their clocks. As for "
                    "ClockOff, at once."
                ),
            ),
        ),
    )


def _coordinator() -> AlertGroup:
    messages = "noderr_coordinator_messages_total"
    return AlertGroup(
        "coordinator",
        (
            Alert(
                name="CoordinatorStoreDown",
                severity="critical",
                expression="noderr_coordinator_store_up == 0",
                hold="1m",
                summary="{{ $labels.job }} {{ $labels.node }} cannot use its store",
                runbook=(
                    "It takes nothing from nodes until it can, and they keep their telemetry. SQLite: see the "
                    "space and the rights of its data volume. PostgreSQL: see whether the server runs and lets it"
                    " in; the log has its words."
                ),
            ),
            Alert(
                name="CoordinatorSlow",
                severity="warning",
                expression="histogram_quantile(0.99, rate(noderr_coordinator_request_duration_seconds_bucket[5m])) > 1",
                hold="10m",
                summary=(
                    "{{ $labels.job }} {{ $labels.node }} takes {{ $value | humanizeDuration }} to "
                    "answer {{ $labels.kind }}"
                ),
                runbook=(
                    "The store is the usual reason: look at its disk, or at the load of PostgreSQL. With many "
                    "nodes on SQLite it is time for PostgreSQL."
                ),
            ),
            Alert(
                name="CoordinatorRefusesMany",
                severity="warning",
                expression=(
                    f'sum by ({_WHERE}, kind) (rate({messages}{{outcome="refused"}}[10m]))'
                    f" / sum by ({_WHERE}, kind) (rate({messages}[10m])) > 0.1"
                ),
                hold="10m",
                summary=(
                    "{{ $labels.job }} {{ $labels.node }} refuses {{ $value | humanizePercentage }} of "
                    "the messages of kind {{ $labels.kind }}"
                ),
                runbook=(
                    "The log names node and reason of each. One node: its operator sees CoordinatorRefuses. Many "
                    "at once: the coordinator's own clock or key is wrong, or somebody tries keys."
                ),
            ),
        ),
    )


def _network(fleet: Fleet) -> AlertGroup:
    agreeing = f'job="{_BFT_TIER}"'
    # A node that is down has no series of readiness left, but it still counts.
    ready = f"(sum by (job) (noderr_node_ready{{{agreeing}}}) or sum by (job) (up{{{agreeing}}} * 0))"
    return AlertGroup(
        "network",
        (
            Alert(
                name="QuorumLost",
                severity="critical",
                expression=f"3 * {ready} <= 2 * count by (job) (up{{{agreeing}}})",
                hold="5m",
                summary="Not more than two thirds of the {{ $labels.job }} nodes are ready",
                runbook=(
                    "The network agrees on no signal until more than two thirds are ready. NodeDown and "
                    "NodeNotReady name those that are not; mend the ones that are quickest to mend."
                ),
            ),
            Alert(
                name="NodesSilent",
                severity="warning",
                expression='sum by (tier) (noderr_coordinator_nodes{state="silent"}) > 0',
                hold="10m",
                summary="{{ $value }} {{ $labels.tier }} nodes are silent",
                runbook=(
                    "The coordinator's page lists them with the time of their last heartbeat. Their operators see"
                    " CoordinatorUnreachable or NodeDown."
                ),
            ),
            Alert(
                name="VersionsDiffer",
                severity="warning",
                expression=f"count(count by (version) (noderr_build_info{{{fleet.nodes}}})) > 1",
                hold="2h",
                summary="Nodes run {{ $value }} different versions",
                runbook=(
                    "During a rollout this is rightful: silence it until the end. Else the network's dashboard "
                    "shows who is behind: update those."
                ),
            ),
        ),
    )
