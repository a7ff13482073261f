"""A Grafana dashboard, in the classic JSON model that every Grafana from 10 on imports."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

COLUMNS = 24
"""Width of Grafana's grid."""
_SCHEMA_VERSION = 39  # Grafana 10.4's; newer ones migrate it when they load it.
_DATASOURCE = {"type": "prometheus", "uid": "${datasource}"}
_STATE = {"0": {"text": "no", "color": "red", "index": 0}, "1": {"text": "yes", "color": "green", "index": 1}}
_RED_BELOW_ONE = [{"color": "red", "value": None}, {"color": "green", "value": 1}]
_PLAIN = [{"color": "text", "value": None}]


@dataclass(frozen=True)
class Query:
    """One PromQL expression and what its series are called: `{{label}}` stands for a label's value."""

    expression: str
    legend: str


@dataclass(frozen=True)
class Panel:
    """`kind` is Grafana's name of the visualisation; `unit` its name of the unit. `description` is shown on hovering.

    With `yes_no` the values are 1 and 0, and shown as green and red; with `signed` they may be below zero.
    """

    title: str
    description: str
    queries: tuple[Query, ...]
    unit: str = "short"
    kind: str = "timeseries"
    width: int = 8
    height: int = 7
    yes_no: bool = False
    signed: bool = False


@dataclass(frozen=True)
class Row:
    """A heading and what stands below it."""

    title: str
    panels: tuple[Panel, ...]


@dataclass(frozen=True)
class Variable:
    """What the reader chooses by: every value that `label` has on `series`, which may name other variables."""

    name: str
    title: str
    series: str
    label: str


@dataclass(frozen=True)
class Dashboard:
    """`uid` is its address in Grafana for ever."""

    uid: str
    title: str
    description: str
    variables: tuple[Variable, ...]
    rows: tuple[Row, ...]


def dashboard_document(dashboard: Dashboard) -> dict[str, Any]:
    """What Grafana imports. The data source is a variable, so that no installation's own id stands in it."""
    return {
        "id": None,
        "uid": dashboard.uid,
        "title": dashboard.title,
        "description": dashboard.description,
        "tags": ["noderr"],
        "timezone": "utc",
        "editable": True,
        "graphTooltip": 1,
        "refresh": "30s",
        "time": {"from": "now-6h", "to": "now"},
        "schemaVersion": _SCHEMA_VERSION,
        "version": 1,
        "links": [],
        "annotations": {"list": []},
        "templating": {"list": [_datasource_variable(), *map(_query_variable, dashboard.variables)]},
        "panels": list(_placed(dashboard.rows)),
    }


def _datasource_variable() -> dict[str, Any]:
    return {"name": "datasource", "label": "Prometheus", "type": "datasource", "query": "prometheus", "hide": 0}


def _query_variable(variable: Variable) -> dict[str, Any]:
    query = f"label_values({variable.series}, {variable.label})"
    return {
        "name": variable.name,
        "label": variable.title,
        "type": "query",
        "datasource": _DATASOURCE,
        "definition": query,
        "query": {"query": query, "refId": "PrometheusVariableQueryEditor-VariableQuery"},
        "refresh": 2,
        "sort": 1,
        "hide": 0,
        "multi": True,
        "includeAll": True,
        "allValue": ".*",
        "current": {"selected": True, "text": ["All"], "value": ["$__all"]},
    }


def _placed(rows: Sequence[Row]) -> Iterator[dict[str, Any]]:
    """Headings and panels from left to right, line by line; each gets the next number as its id."""
    number = top = 0
    for row in rows:
        number += 1
        yield {
            "id": number,
            "type": "row",
            "title": row.title,
            "collapsed": False,
            "panels": [],
            "gridPos": {"x": 0, "y": top, "w": COLUMNS, "h": 1},
        }
        top, left, tallest = top + 1, 0, 0
        for panel in row.panels:
            if left + panel.width > COLUMNS:
                top, left, tallest = top + tallest, 0, 0
            number += 1
            yield _panel(panel, number, left, top)
            left, tallest = left + panel.width, max(tallest, panel.height)
        top += tallest


def _panel(panel: Panel, number: int, left: int, top: int) -> dict[str, Any]:
    defaults: dict[str, Any] = {
        "unit": panel.unit,
        "mappings": [{"type": "value", "options": _STATE}] if panel.yes_no else [],
        "thresholds": {"mode": "absolute", "steps": _RED_BELOW_ONE if panel.yes_no else _PLAIN},
    }
    if panel.kind == "timeseries":
        line = {"lineWidth": 1, "fillOpacity": 8, "showPoints": "never", "spanNulls": False}
        defaults |= {"color": {"mode": "palette-classic"}, "custom": line}
        defaults |= {} if panel.signed else {"min": 0}
    else:
        defaults |= {"color": {"mode": "thresholds"}}
    return {
        "id": number,
        "type": panel.kind,
        "title": panel.title,
        "description": panel.description,
        "datasource": _DATASOURCE,
        "gridPos": {"x": left, "y": top, "w": panel.width, "h": panel.height},
        "fieldConfig": {"defaults": defaults, "overrides": []},
        "options": _OPTIONS[panel.kind],
        "targets": [_target(query, place, panel.kind) for place, query in enumerate(panel.queries)],
    }


def _target(query: Query, place: int, kind: str) -> dict[str, Any]:
    now = kind in ("stat", "table")
    return {
        "refId": chr(ord("A") + place),
        "datasource": _DATASOURCE,
        "expr": query.expression,
        "legendFormat": query.legend,
        "format": "table" if kind == "table" else "time_series",
        "instant": now,
        "range": not now,
    }


_OPTIONS: dict[str, dict[str, Any]] = {
    "timeseries": {
        "legend": {"displayMode": "list", "placement": "bottom", "showLegend": True},
        "tooltip": {"mode": "multi", "sort": "desc"},
    },
    "stat": {
        "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
        "colorMode": "value",
        "graphMode": "none",
        "justifyMode": "auto",
        "orientation": "auto",
        "textMode": "value_and_name",
    },
    "state-timeline": {
        "showValue": "never",
        "mergeValues": True,
        "rowHeight": 0.8,
        "legend": {"displayMode": "list", "placement": "bottom", "showLegend": False},
        "tooltip": {"mode": "single", "sort": "none"},
    },
    "table": {"showHeader": True, "cellHeight": "sm", "footer": {"show": False, "reducer": ["sum"], "fields": ""}},
}
