"""Every panel can show something, and Grafana finds the fields that its documentation of the JSON model names."""

from __future__ import annotations

import itertools
import json
import re
from pathlib import Path
from typing import Any

import pytest

from monitoring.dashboard import COLUMNS
from monitoring.documents import GENERATED
from monitoring.expression import Checked, check
from monitoring.series import KNOWN

_NAMES = ("network", "node")
_LABEL_VALUES = re.compile(r"label_values\((.+), (\w+)\)")
_LEGEND = re.compile(r"\{\{(\w+)\}\}")
_VARIABLE = re.compile(r"\$\{?(\w+)")
_DASHBOARD_FIELDS = {
    *("id", "uid", "title", "description", "tags", "timezone", "editable", "graphTooltip", "refresh", "time"),
    *("schemaVersion", "version", "links", "annotations", "templating", "panels"),
}
_PANEL_FIELDS = {
    *("id", "type", "title", "description", "datasource", "gridPos", "fieldConfig", "options", "targets"),
}
_KINDS = {"row", "timeseries", "stat", "state-timeline", "table"}


@pytest.fixture(params=_NAMES)
def dashboard(request: pytest.FixtureRequest) -> dict[str, Any]:
    text = (Path.cwd() / GENERATED / "dashboards" / f"{request.param}.json").read_text(encoding="utf-8")
    document: dict[str, Any] = json.loads(text)
    return document


def panels(dashboard: dict[str, Any]) -> list[dict[str, Any]]:
    return [panel for panel in dashboard["panels"] if panel["type"] != "row"]


def checked(expression: str) -> Checked:
    """Grafana puts in a duration for its own variable; the others stand in strings."""
    return check(expression.replace("$__rate_interval", "5m"), KNOWN)


def test_no_panel_names_a_series_that_no_code_emits(dashboard: dict[str, Any]) -> None:
    targets = [(panel["title"], target["expr"]) for panel in panels(dashboard) for target in panel["targets"]]
    assert len(targets) > 15
    problems = {title: checked(expression).problems for title, expression in targets}
    assert {title: found for title, found in problems.items() if found} == {}


def test_legends_name_only_labels_that_the_result_has(dashboard: dict[str, Any]) -> None:
    for panel in panels(dashboard):
        for target in panel["targets"]:
            assert set(_LEGEND.findall(target["legendFormat"])) <= checked(target["expr"]).labels, panel["title"]


def test_variables_choose_by_labels_that_exist_and_panels_name_no_other_variable(dashboard: dict[str, Any]) -> None:
    source, *others = dashboard["templating"]["list"]
    assert (source["type"], source["query"]) == ("datasource", "prometheus")
    for variable in others:
        found = _LABEL_VALUES.fullmatch(variable["query"]["query"])
        assert found, variable
        result = checked(found[1])
        assert result.problems == []
        assert found[2] in result.labels
    known = {variable["name"] for variable in dashboard["templating"]["list"]} | {"__rate_interval", "__all"}
    assert set(_VARIABLE.findall(json.dumps(dashboard))) <= known


def test_every_entry_of_the_catalogues_is_on_a_dashboard() -> None:
    shown: set[str] = set()
    for name in _NAMES:
        document = json.loads((Path.cwd() / GENERATED / "dashboards" / f"{name}.json").read_text(encoding="utf-8"))
        for panel in panels(document):
            for target in panel["targets"]:
                shown |= checked(target["expr"]).names
    # The two others of a histogram say nothing that its buckets do not.
    assert {name for name in KNOWN if not name.endswith(("_sum", "_count"))} - shown == set()


def test_ids_are_unique_and_no_panel_covers_another(dashboard: dict[str, Any]) -> None:
    ids = [panel["id"] for panel in dashboard["panels"]]
    assert len(set(ids)) == len(ids)
    places = [panel["gridPos"] for panel in dashboard["panels"]]
    for place in places:
        assert place["x"] >= 0 < place["w"]
        assert place["x"] + place["w"] <= COLUMNS
        assert place["y"] >= 0 < place["h"]
    for one, other in itertools.combinations(places, 2):
        apart_across = one["x"] + one["w"] <= other["x"] or other["x"] + other["w"] <= one["x"]
        apart_down = one["y"] + one["h"] <= other["y"] or other["y"] + other["h"] <= one["y"]
        assert apart_across or apart_down, (one, other)


def test_grafana_finds_the_documented_fields(dashboard: dict[str, Any]) -> None:
    assert set(dashboard) == _DASHBOARD_FIELDS
    assert dashboard["id"] is None
    assert re.fullmatch(r"[a-z0-9-]{8,40}", dashboard["uid"])
    for panel in dashboard["panels"]:
        assert panel["type"] in _KINDS
        if panel["type"] == "row":
            assert (panel["collapsed"], panel["panels"]) == (False, [])
            continue
        assert set(panel) == _PANEL_FIELDS
        assert [target["refId"] for target in panel["targets"]] == [
            chr(65 + place) for place in range(len(panel["targets"]))
        ]
        for holder in (panel, *panel["targets"]):
            assert holder["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
        steps = panel["fieldConfig"]["defaults"]["thresholds"]["steps"]
        assert steps[0]["value"] is None, "Grafana wants the first step at minus infinity"
