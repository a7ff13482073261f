"""Checks an expression of an alert or a panel against the series that can exist, and follows labels through it.

`promtool` tells whether an expression is PromQL. It cannot tell that no code emits a name, that two sides can never
match because their labels differ, or that a template names a label which the result has lost: such stay silent.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from monitoring.promql import parse
from monitoring.promql_tree import Aggregation, Binary, Call, Constant, Expression, Matching, Selector
from monitoring.series import Series

_RATES = frozenset({"rate", "irate", "increase", "resets"})
_SLOPES = frozenset({"delta", "idelta", "deriv", "predict_linear"})
_SCALARS = frozenset({"scalar", "time", "pi"})
_KEEP_LABELS = frozenset(
    {
        *("abs", "ceil", "changes", "clamp", "clamp_max", "clamp_min", "exp", "floor", "ln", "round", "sgn", "sqrt"),
        *("avg_over_time", "last_over_time", "max_over_time", "min_over_time", "sum_over_time"),
    }
)
_SETS = ("and", "or", "unless")


@dataclass
class Checked:
    """What was found: the selectors in their order, the labels of the result, and what is wrong."""

    known: Mapping[str, Series]
    selectors: list[Selector] = field(default_factory=list)
    labels: frozenset[str] = frozenset()
    problems: list[str] = field(default_factory=list)

    @property
    def names(self) -> set[str]:
        return {selector.name for selector in self.selectors}


def check(expression: str, known: Mapping[str, Series]) -> Checked:
    """Follow an expression. Raises `PromQlError` when it cannot be read."""
    found = Checked(known)
    found.labels = _labels(parse(expression), found)
    return found


def _labels(tree: Expression, found: Checked) -> frozenset[str]:
    match tree:
        case Constant():
            return frozenset()
        case Selector():
            return _of_selector(tree, found)
        case Call():
            return _of_call(tree, found)
        case Aggregation():
            return _of_aggregation(tree, found)
        case Binary():
            return _of_binary(tree, found)


def _of_selector(tree: Selector, found: Checked) -> frozenset[str]:
    found.selectors.append(tree)
    series = found.known.get(tree.name)
    if series is None:
        found.problems.append(f"{tree.name}: no code emits this series")
        return frozenset(matcher.label for matcher in tree.matchers)
    for matcher in tree.matchers:
        _has(matcher.label, series.labels, tree.name, found)
    return series.labels


def _of_call(tree: Call, found: Checked) -> frozenset[str]:
    arguments = [_labels(argument, found) for argument in tree.arguments]
    labels = frozenset[str]().union(*arguments)
    for argument in tree.arguments:
        if isinstance(argument, Selector) and argument.name in found.known:
            counts = found.known[argument.name].counts
            if (tree.function in _RATES and not counts) or (tree.function in _SLOPES and counts):
                kind = "a counter" if counts else "a gauge"
                found.problems.append(f"{tree.function}({argument.name}): this is {kind}")
    if tree.function in _RATES | _SLOPES | _KEEP_LABELS:
        return labels
    if tree.function in _SCALARS:
        return frozenset()
    if tree.function == "histogram_quantile":
        _has("le", labels, "histogram_quantile's argument", found)
        return labels - {"le"}
    if tree.function == "absent" and isinstance(tree.arguments[0], Selector):
        return frozenset(matcher.label for matcher in tree.arguments[0].matchers if matcher.operator == "=")
    found.problems.append(f"{tree.function}: what it does to labels is not known here: add it to {__name__}")
    return labels


def _of_aggregation(tree: Aggregation, found: Checked) -> frozenset[str]:
    inside = _labels(tree.arguments[-1], found)
    for label in tree.labels:
        _has(label, inside, f"what {tree.operator} is given", found)
    if tree.operator in ("topk", "bottomk"):
        return inside
    return frozenset(tree.labels) if tree.grouping == "by" else inside - set(tree.labels)


def _of_binary(tree: Binary, found: Checked) -> frozenset[str]:
    left, right = _labels(tree.left, found), _labels(tree.right, found)
    if _scalar(tree.left) or _scalar(tree.right):
        return left | right
    if tree.operator == "or":
        return left | right
    matched = _matched(tree.matching, left, right, found)
    if tree.operator in _SETS:
        return left
    match tree.matching.group:
        case "group_left":
            return left | set(tree.matching.group_labels)
        case "group_right":
            return right | set(tree.matching.group_labels)
    return matched


def _matched(matching: Matching, left: frozenset[str], right: frozenset[str], found: Checked) -> frozenset[str]:
    """The labels by which the two sides find each other; they must be on both."""
    if matching.kind == "on":
        for label in matching.labels:
            _has(label, left, "the left side", found)
            _has(label, right, "the right side", found)
        return frozenset(matching.labels)
    left, right = left - set(matching.labels), right - set(matching.labels)
    if left != right:
        found.problems.append(
            f"the sides never match: only one of them has {', '.join(sorted(left ^ right))}; say on (…) or ignoring (…)"
        )
    return left & right


def _scalar(tree: Expression) -> bool:
    match tree:
        case Constant():
            return True
        case Call():
            return tree.function in _SCALARS
        case Binary():
            return _scalar(tree.left) and _scalar(tree.right)
    return False


def _has(label: str, labels: frozenset[str], what: str, found: Checked) -> None:
    if label not in labels:
        found.problems.append(f"{what} has no label {label!r}, only {', '.join(sorted(labels)) or 'none'}")
