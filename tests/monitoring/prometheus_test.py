"""Prometheus itself loads what is generated, watches real nodes with it, and finds the promised series."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from monitoring.documents import GENERATED
from monitoring.series import KNOWN, TARGET_LABELS
from monitoring.testing import need
from tests.monitoring.programs import Running

_WAIT_SECONDS = 20.0


def ask(prometheus: httpx.Client, path: str, **parameters: str) -> Any:
    answer = prometheus.get(path, params=parameters)
    if answer.status_code == httpx.codes.SERVICE_UNAVAILABLE:  # It still starts.
        return {}
    document = answer.json()
    assert document["status"] == "success", document
    assert not document.get("warnings"), document
    return document["data"]


def wait_for[T](wanted: Callable[[], T]) -> T:
    """The first answer that is not empty."""
    deadline = time.monotonic() + _WAIT_SECONDS
    while not (found := wanted()):
        assert time.monotonic() < deadline, "Prometheus did not come to it"
        time.sleep(0.05)
    return found


def series(prometheus: httpx.Client, query: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = ask(prometheus, "query", query=query).get("result", [])
    return found


def test_every_rule_is_evaluated_without_an_error(prometheus: httpx.Client) -> None:
    wait_for(lambda: series(prometheus, "up"))

    def evaluated() -> list[dict[str, Any]]:
        groups = ask(prometheus, "rules")["groups"]
        rules = [rule for group in groups for rule in group["rules"]]
        return [] if any(rule["health"] == "unknown" for rule in rules) else rules

    rules = wait_for(evaluated)
    assert len(rules) > 30
    assert [rule["name"] for rule in rules if rule["health"] != "ok" or rule.get("lastError")] == []


def test_every_series_of_a_real_node_is_known_with_its_labels(prometheus: httpx.Client) -> None:
    wait_for(lambda: series(prometheus, 'noderr_http_requests_total{node="lasting"}'))
    found = [one["metric"] for one in series(prometheus, '{__name__=~"(noderr|process)_.+", node="lasting"}')]
    for metric in found:
        name = metric.pop("__name__")
        assert name in KNOWN, f"{name}: the node exposes it and no catalogue has it"
        assert set(metric) == KNOWN[name].labels, name


def test_every_series_that_needs_no_event_is_there_from_the_start(prometheus: httpx.Client) -> None:
    wait_for(lambda: series(prometheus, 'up{node="lasting"} == 1'))
    names = {one["metric"]["__name__"] for one in series(prometheus, '{node="lasting"}')}
    plain = {name for name, known in KNOWN.items() if known.labels == TARGET_LABELS}
    # A coordinator's, and those of a validator that trades.
    of_others = ("noderr_coordinator_records", "noderr_coordinator_store", "noderr_execution_")
    assert {name for name in plain if not name.startswith(of_others)} - names == set()


@pytest.mark.parametrize("name", ["network", "node"])
def test_every_panel_is_answered(prometheus: httpx.Client, name: str) -> None:
    wait_for(lambda: series(prometheus, "rate(process_cpu_seconds_total[5s])"))
    dashboard = json.loads((Path.cwd() / GENERATED / "dashboards" / f"{name}.json").read_text(encoding="utf-8"))
    filled: dict[str, bool] = {}
    for panel in dashboard["panels"]:
        for target in panel.get("targets", ()):
            query = target["expr"].replace("$__rate_interval", "5s").replace("$job", ".*").replace("$node", ".*")
            filled[panel["title"]] = filled.get(panel["title"], False) or bool(series(prometheus, query))
    # What every node has, whoever its peers and its coordinator are.
    assert {"Ready", "CPU", "Memory", "Data volume", "Clock offset", "Telemetry spool"} <= {
        title for title, has_data in filled.items() if has_data
    }


def test_a_node_that_is_killed_is_noticed(prometheus: httpx.Client, mortal: Running) -> None:
    wait_for(lambda: series(prometheus, 'up{node="mortal"} == 1'))
    mortal.kill()

    def noticed() -> list[dict[str, Any]]:
        alerts = ask(prometheus, "alerts")["alerts"]
        return [alert for alert in alerts if alert["labels"]["alertname"] == "NodeDown"]

    [alert] = wait_for(noticed)
    assert (alert["labels"]["job"], alert["labels"]["node"]) == ("guardian", "mortal")
    assert alert["annotations"]["summary"] == f"guardian mortal does not answer on {mortal.address}"


def test_promtool_finds_nothing_to_say_about_a_nodes_metrics(node: Running) -> None:
    exposed = httpx.get(f"http://{node.address}/metrics", trust_env=False).text
    done = subprocess.run(
        [need("promtool"), "check", "metrics"], input=exposed, capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stdout + done.stderr) == (0, "")
