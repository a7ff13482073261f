"""An alert, and the forms it is written in: Prometheus' rule file and a table for people."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal


@dataclass(frozen=True)
class Alert:
    """`expression` must hold for all of `hold` (a duration of Prometheus) before anyone is told.

    `summary` is one line, a template of Prometheus; `runbook` says what the one who is told does next. "critical" wants
    somebody now, "warning" on the same day.
    """

    name: str
    severity: Literal["critical", "warning"]
    expression: str
    hold: str
    summary: str
    runbook: str


@dataclass(frozen=True)
class AlertGroup:
    """Alerts of one subject, evaluated together."""

    name: str
    alerts: tuple[Alert, ...]


def backlog(name: str) -> str:
    """An expression for a queue that was never empty for ten minutes, and grows: whatever its limit, it is too slow."""
    return f"min_over_time({name}[10m]) > 0 and deriv({name}[10m]) > 0"


def rules_document(groups: Sequence[AlertGroup]) -> dict[str, Any]:
    """What Prometheus reads as a rule file."""
    return {"groups": [{"name": group.name, "rules": [_rule(alert) for alert in group.alerts]} for group in groups]}


def alerts_table(groups: Sequence[AlertGroup]) -> str:
    """Markdown for the operator: each alert, when it fires and what to do then."""
    lines = ["# Alerts", ""]
    for group in groups:
        lines += [f"## {group.name}", ""]
        for alert in group.alerts:
            lines += [f"### {alert.name}", "", f"{alert.severity}, after {alert.hold} of", ""]
            lines += [f"    {alert.expression}", "", alert.runbook, ""]
    return "\n".join(lines)


def _rule(alert: Alert) -> dict[str, Any]:
    return {
        "alert": alert.name,
        "expr": alert.expression,
        "for": alert.hold,
        "labels": {"severity": alert.severity},
        "annotations": {"summary": alert.summary, "runbook": alert.runbook},
    }
