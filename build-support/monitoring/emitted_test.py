"""Every metric of a catalogue is driven by product code: one that is only declared would be a constant for ever.

Read from the syntax trees of packages/noderr, tests left out: which metrics are made from a `MetricSpec`, under what
name they are kept, and whether anything uses that name.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from monitoring.documents import alert_groups, dashboards
from monitoring.expression import check
from monitoring.fleet import Fleet
from monitoring.series import ALL_CATALOGUES, KNOWN
from noderr.telemetry.catalogue import PROCESS

_MAKERS = {"gauge", "counter", "histogram"}
_CHOSEN_BY_CODE = {"outcome", "state", "kind", "reason"}
"""Labels whose values are few and stand in the code."""


@dataclass(frozen=True)
class Source:
    path: Path
    tree: ast.Module


@pytest.fixture(scope="module")
def sources() -> list[Source]:
    files = sorted(Path("packages/noderr").rglob("*.py"))
    paths = [path for path in files if not path.name.endswith(("_test.py", "_bench.py", "conftest.py"))]
    assert len(paths) > 20, "run the tests in the root of the repository"
    return [Source(path, ast.parse(path.read_text(encoding="utf-8"))) for path in paths]


def constants_of_catalogues(sources: list[Source]) -> dict[str, str]:
    """Name in Python of each `MetricSpec` -> name of the metric."""
    found: dict[str, str] = {}
    for source in sources:
        if source.path.name == "catalogue.py":
            for node in source.tree.body:
                if isinstance(node, ast.Assign) and _called(node.value) == "MetricSpec":
                    [target], first = node.targets, node.value.args[0]  # type: ignore[attr-defined]  # it is a Call
                    assert isinstance(target, ast.Name)
                    assert target.id not in found, f"{target.id} is in two catalogues"
                    found[target.id] = ast.literal_eval(first)
    return found


def uses(sources: list[Source]) -> dict[str, list[str]]:
    """Name in Python of each `MetricSpec` that is made real -> where what was made is used."""
    loaded: dict[str, list[str]] = {}
    for source in sources:
        for node in ast.walk(source.tree):
            match node:
                case ast.Attribute(attr=name, ctx=ast.Load()) | ast.Name(id=name, ctx=ast.Load()):
                    loaded.setdefault(name, []).append(f"{source.path}:{node.lineno}")
    found: dict[str, list[str]] = {}
    for source in sources:
        kept = {
            id(node.value): node.targets[0] if isinstance(node, ast.Assign) else node.target
            for node in ast.walk(source.tree)
            if isinstance(node, ast.Assign | ast.AnnAssign)
        }
        for call in made(source.tree):
            name = _last(call.args[0])
            match kept.get(id(call)):
                case ast.Attribute(attr=variable) | ast.Name(
                    id=variable
                ):  # Kept: then something must use what is kept.
                    found.setdefault(name, []).extend(loaded.get(variable, []))
                case _:  # Used on the spot.
                    found.setdefault(name, []).append(f"{source.path}:{call.lineno}")
    return found


def made(tree: ast.Module) -> Iterator[ast.Call]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and _called(node) in _MAKERS and node.args and _last(node.args[0]).isupper():
            yield node


def _called(node: ast.AST) -> str:
    return _last(node.func) if isinstance(node, ast.Call) else ""


def _last(node: ast.AST) -> str:
    match node:
        case ast.Attribute(attr=name) | ast.Name(id=name):
            return name
    return ""


def test_every_metric_is_driven_by_code(sources: list[Source]) -> None:
    constants, used = constants_of_catalogues(sources), uses(sources)
    assert set(constants.values()) == {spec.name for spec in ALL_CATALOGUES} - {spec.name for spec in PROCESS}
    idle = {metric for name, metric in constants.items() if not used.get(name)}
    assert idle == set(), f"{len(idle)} metrics are declared and nothing ever sets them: {', '.join(sorted(idle))}"


def test_the_process_metrics_come_from_the_library(sources: list[Source]) -> None:
    assert any(_called(node) == "ProcessCollector" for source in sources for node in ast.walk(source.tree))


def test_every_value_that_is_asked_for_stands_in_the_code(sources: list[Source], fleet: Fleet) -> None:
    said = {
        node.value
        for source in sources
        if source.path.name != "catalogue.py"
        for node in ast.walk(source.tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    expressions = [alert.expression for group in alert_groups(fleet) for alert in group.alerts]
    for board in dashboards(fleet):
        expressions += [query.expression for row in board.rows for panel in row.panels for query in panel.queries]
    asked = {
        (selector.name, matcher.label, value)
        for expression in expressions
        for selector in check(expression.replace("$__rate_interval", "5m"), KNOWN).selectors
        for matcher in selector.matchers
        if matcher.label in _CHOSEN_BY_CODE
        for value in matcher.value.split("|")
    }
    assert len(asked) > 3
    assert {one for one in asked if one[2] not in said} == set(), "no code gives these labels these values"


def test_a_metric_that_is_only_declared_is_found() -> None:
    code = "A = MetricSpec('a')\nB = MetricSpec('b')\nC = MetricSpec('c')\n"
    use = "self.a = gauge(catalogue.A, r)\nself.b = counter(B, r)\ngauge(catalogue.C, r).set(1)\nmetrics.a.set(2)\n"
    tree = [Source(Path("x/catalogue.py"), ast.parse(code)), Source(Path("x/y.py"), ast.parse(use))]
    assert constants_of_catalogues(tree) == {"A": "a", "B": "b", "C": "c"}
    assert uses(tree) == {"A": ["x/y.py:4"], "B": [], "C": ["x/y.py:3"]}
