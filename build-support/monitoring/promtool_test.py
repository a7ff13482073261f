"""Prometheus' own judgement of what is generated."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from monitoring.documents import GENERATED

_HERE = Path(__file__).parent


@pytest.fixture
def generated(tmp_path: Path) -> Path:
    """The generated files as an operator sets them up: with targets."""
    folder = shutil.copytree(Path.cwd() / GENERATED, tmp_path / "generated")
    (folder / "targets.example").rename(folder / "targets")
    (folder / "targets" / "alertmanager.yml").write_text("[]")
    return folder


def run(promtool: str, *arguments: str) -> str:
    done = subprocess.run([promtool, *arguments], capture_output=True, text=True, timeout=60, check=False)
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    return said


def test_prometheus_accepts_the_configuration(promtool: str, generated: Path) -> None:
    said = run(promtool, "check", "config", str(generated / "prometheus.yml"))
    assert "WARNING" not in said
    assert "valid prometheus config file syntax" in said


def test_prometheus_accepts_the_rules(promtool: str, generated: Path) -> None:
    said = run(promtool, "check", "rules", "--lint=all", "--lint-fatal", str(generated / "alerts.yml"))
    assert "rules found" in said


def test_every_alert_fires_when_it_should_and_only_then(promtool: str, generated: Path) -> None:
    rules = yaml.safe_load((generated / "alerts.yml").read_text(encoding="utf-8"))
    runbooks = {rule["alert"]: rule["annotations"]["runbook"] for group in rules["groups"] for rule in group["rules"]}
    tests = yaml.safe_load((_HERE / "alerts_test.yml").read_text(encoding="utf-8"))
    for case in (case for test in tests["tests"] for case in test["alert_rule_test"]):
        for expected in case["exp_alerts"]:
            # promtool compares all annotations, and a runbook is the same text for every case.
            expected["exp_annotations"]["runbook"] = runbooks[case["alertname"]]
    filled = generated / "alerts_test.yml"
    filled.write_text(yaml.safe_dump(tests, sort_keys=False))
    assert "SUCCESS" in run(promtool, "test", "rules", str(filled))


@pytest.mark.parametrize("name", ["network", "node"])
def test_every_panel_is_promql(promtool: str, generated: Path, name: str) -> None:
    """As rules that record, because promtool reads no dashboards."""
    document = json.loads((generated / "dashboards" / f"{name}.json").read_text(encoding="utf-8"))
    expressions = [target["expr"] for panel in document["panels"] for target in panel.get("targets", ())]
    rules = [
        {"record": f"panel_{place}", "expr": expression.replace("$__rate_interval", "5m")}
        for place, expression in enumerate(expressions)
    ]
    rules_file = generated / "panels.yml"
    rules_file.write_text(yaml.safe_dump({"groups": [{"name": name, "rules": rules}]}))
    assert f"{len(expressions)} rules found" in run(promtool, "check", "rules", str(rules_file))
