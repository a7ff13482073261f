"""Every alert can fire, says what to do, and is tried by the rules' own tests."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from monitoring.alert import Alert
from monitoring.documents import GENERATED, alert_groups
from monitoring.expression import check
from monitoring.fleet import Fleet
from monitoring.series import KNOWN

_LABEL = re.compile(r"\$labels\.(\w+)")


@pytest.fixture(scope="module")
def alerts(fleet: Fleet) -> list[Alert]:
    return [alert for group in alert_groups(fleet) for alert in group.alerts]


def test_no_alert_names_a_series_that_no_code_emits(alerts: list[Alert]) -> None:
    found = {alert.name: check(alert.expression, KNOWN).problems for alert in alerts}
    assert {name: problems for name, problems in found.items() if problems} == {}
    assert len(found) == len(alerts) > 30


def test_texts_name_only_labels_that_the_result_has(alerts: list[Alert]) -> None:
    for alert in alerts:
        texts = alert.summary + alert.runbook
        assert set(_LABEL.findall(texts)) <= check(alert.expression, KNOWN).labels, alert.name


def test_every_label_that_tells_results_apart_is_in_the_summary(alerts: list[Alert]) -> None:
    # `instance` is the address of `node`; an outcome that is matched by its one value tells nothing more.
    for alert in alerts:
        found = check(alert.expression, KNOWN)
        fixed = {one.label for selector in found.selectors for one in selector.matchers if one.operator == "="}
        assert found.labels - fixed - {"instance"} <= set(_LABEL.findall(alert.summary)), alert.name


def test_every_alert_waits_and_tells_the_operator_what_to_do(alerts: list[Alert]) -> None:
    for alert in alerts:
        assert re.fullmatch(r"[1-9]\d*[mh]", alert.hold), alert.name
        assert len(alert.runbook) > 60, alert.name
        assert "$" not in alert.runbook, f"{alert.name}: a runbook is the same for everybody"


def test_the_rules_file_holds_every_alert_once(alerts: list[Alert]) -> None:
    document = yaml.safe_load((Path.cwd() / GENERATED / "alerts.yml").read_text(encoding="utf-8"))
    names = [rule["alert"] for group in document["groups"] for rule in group["rules"]]
    assert names == [alert.name for alert in alerts]
    assert len(set(names)) == len(names)


def test_every_alert_has_a_case_in_which_it_fires_and_one_in_which_it_does_not(alerts: list[Alert]) -> None:
    document: dict[str, Any] = yaml.safe_load((Path(__file__).parent / "alerts_test.yml").read_text(encoding="utf-8"))
    cases = [case for test in document["tests"] for case in test["alert_rule_test"]]
    firing = {case["alertname"] for case in cases if case["exp_alerts"]}
    quiet = {case["alertname"] for case in cases if not case["exp_alerts"]}
    assert firing == quiet == {alert.name for alert in alerts}
