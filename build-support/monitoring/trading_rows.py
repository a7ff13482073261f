"""Rows of the node's dashboard about what its tier does: foretell, agree, judge trades, watch venues."""

from __future__ import annotations

from monitoring.dashboard import Panel, Query, Row
from monitoring.node_queries import HERE, grown, here, quantile, rate


def consensus_row() -> Row:
    return Row(
        "Consensus",
        (
            Panel(
                "Rounds that ended",
                "In the last 15 minutes: decided, or failed by a timeout or for want of a majority.",
                (
                    grown(
                        "noderr_consensus_rounds_total", "node, protocol, outcome", "{{node}} {{protocol}} {{outcome}}"
                    ),
                ),
            ),
            Panel(
                "Time of a round",
                "From its start to its end on this node: half of them, and 95 of 100.",
                (
                    quantile(0.5, "noderr_consensus_round_duration_seconds", "{{node}} {{protocol}} p50"),
                    quantile(0.95, "noderr_consensus_round_duration_seconds", "{{node}} {{protocol}} p95"),
                ),
                "s",
            ),
            Panel(
                "Messages that did not count",
                "By reason; duplicates are rightful.",
                (rate("noderr_consensus_refused_total", "node, protocol, reason", "{{node}} {{protocol}} {{reason}}"),),
                "mps",
            ),
            Panel(
                "Voters that signed two things",
                "Proofs in the last hour.",
                (grown("noderr_consensus_equivocations_total", "node, protocol", "{{node}} {{protocol}}", "1h"),),
                width=12,
            ),
            Panel(
                "Signatures that the guard refused",
                "In the last hour.",
                (grown("noderr_consensus_guarded_total", "node, protocol", "{{node}} {{protocol}}", "1h"),),
                width=12,
            ),
        ),
    )


def models_row() -> Row:
    return Row(
        "Models",
        (
            Panel(
                "Views of markets",
                "What an oracle hears from validators; it leaves alone what its settings do not name.",
                (rate("noderr_alpha_views_total", "node, outcome", "{{node}} {{outcome}}"),),
                "mps",
            ),
            Panel(
                "Forecasts",
                "In the last 15 minutes, by the model that gave them.",
                (grown("noderr_alpha_forecasts_total", "node, market, model", "{{node}} {{market}} {{model}}"),),
            ),
            Panel(
                "No forecast",
                "In the last 15 minutes: no model had one, and why the last had none.",
                (grown("noderr_alpha_abstentions_total", "node, market, reason", "{{node}} {{market}} {{reason}}"),),
            ),
        ),
    )


def trading_row() -> Row:
    return Row(
        "Trading",
        (
            Panel(
                "Mode",
                "What a guardian may approve: trades on paper, real ones, or none.",
                (Query(f"noderr_safety_mode{{{HERE}}} == 1", "{{node}} {{mode}}"),),
            ),
            Panel(
                "Orders that the gate judged",
                "In the last 15 minutes.",
                (grown("noderr_risk_decisions_total", "node, outcome", "{{node}} {{outcome}}"),),
            ),
            Panel(
                "Why orders were denied",
                "In the last 15 minutes; one order may have several reasons.",
                (grown("noderr_risk_denials_total", "node, reason", "{{node}} {{reason}}"),),
            ),
        ),
    )


def execution_row() -> Row:
    return Row(
        "Execution",
        (
            Panel(
                "No new trade begins",
                "The engine is halted, by a person or a fault. Only validators have one.",
                (here("noderr_execution_halted", "{{node}}"),),
                kind="state-timeline",
                yes_no=True,
            ),
            Panel(
                "Trades under way",
                "At most 64 at once.",
                (here("noderr_execution_open_trades", "{{node}}"),),
            ),
            Panel(
                "Trades that ended",
                "In the last 15 minutes, by how.",
                (grown("noderr_execution_trades_total", "node, outcome", "{{node}} {{outcome}}"),),
            ),
            Panel(
                "Child orders",
                "In the last 15 minutes. Of an unknown one the venue is asked.",
                (grown("noderr_execution_orders_total", "node, outcome", "{{node}} {{outcome}}"),),
            ),
            Panel(
                "Faults",
                "In the last hour: what no venue should ever say. All but stuck halt the engine.",
                (grown("noderr_execution_faults_total", "node, kind", "{{node}} {{kind}}", "1h"),),
            ),
            Panel(
                "First fill",
                "After the approval: half of the trades, and 95 of 100.",
                (
                    quantile(0.5, "noderr_execution_first_fill_seconds", "{{node}} p50"),
                    quantile(0.95, "noderr_execution_first_fill_seconds", "{{node}} p95"),
                ),
                "s",
            ),
        ),
    )


def feeds_row() -> Row:
    return Row(
        "Market feeds",
        (
            Panel(
                "Venue is connected",
                "The connection is open. Only validators have feeds.",
                (here("noderr_feed_connected", "{{node}} {{venue}}"),),
                kind="state-timeline",
                yes_no=True,
            ),
            Panel(
                "Frames",
                "What arrives from each venue.",
                (rate("noderr_feed_frames_total", "node, venue", "{{node}} {{venue}}"),),
                "eps",
            ),
            Panel(
                "Bytes",
                "Of these frames.",
                (rate("noderr_feed_received_bytes_total", "node, venue", "{{node}} {{venue}}"),),
                "Bps",
            ),
            Panel(
                "Round trip",
                "From a ping to its answer, 99 of 100.",
                (quantile(0.99, "noderr_feed_round_trip_seconds", "{{node}}"),),
                "s",
            ),
            Panel(
                "Books lost and asked for anew",
                "In the last 15 minutes: a gap, a wrong checksum or a frame twice; each book is asked for again.",
                tuple(
                    grown(
                        f"noderr_feed_{what}_total",
                        "node, venue, symbol",
                        f"{{{{node}}}} {{{{venue}}}} {{{{symbol}}}} {what}",
                    )
                    for what in ("gaps", "resyncs", "duplicates")
                ),
            ),
            Panel(
                "Tries to connect",
                "In the last 15 minutes.",
                (grown("noderr_feed_connections_total", "node, venue, outcome", "{{node}} {{venue}} {{outcome}}"),),
            ),
        ),
    )
