from __future__ import annotations

import pytest

from monitoring.expression import check
from monitoring.series import TARGET_LABELS, series_of
from noderr.telemetry import MetricSpec

SPECS = (
    MetricSpec("x_total", "counter", "", ("kind",)),
    MetricSpec("y_bytes", "gauge", ""),
    MetricSpec("z_bytes", "gauge", ""),
    MetricSpec("t_seconds", "histogram", "", ("route",), (1.0,)),
)
SERIES = series_of(SPECS)


@pytest.mark.parametrize(
    ("expression", "labels"),
    [
        ("y_bytes", TARGET_LABELS),
        ("rate(x_total[5m])", TARGET_LABELS | {"kind"}),
        ("sum by (kind) (rate(x_total[5m]))", {"kind"}),
        ("sum without (kind, instance) (x_total)", {"job", "node"}),
        ("sum(x_total)", set()),
        ("topk(3, x_total)", TARGET_LABELS | {"kind"}),
        ("histogram_quantile(0.9, rate(t_seconds_bucket[5m]))", TARGET_LABELS | {"route"}),
        ("rate(t_seconds_sum[5m]) / rate(t_seconds_count[5m])", TARGET_LABELS | {"route"}),
        ("y_bytes / z_bytes * 100 > 5", TARGET_LABELS),
        ("y_bytes * on (node) group_left (kind) x_total", TARGET_LABELS | {"kind"}),
        ("x_total / on (node) group_right y_bytes", TARGET_LABELS),
        ("x_total / ignoring (kind) y_bytes", TARGET_LABELS),
        ("y_bytes / on (job) z_bytes", {"job"}),
        ("x_total and on (job) y_bytes", TARGET_LABELS | {"kind"}),
        ("time() - y_bytes", TARGET_LABELS),
        ('absent(y_bytes{job="a", node=~"b"})', {"job"}),
        ("1 + 2", set()),
    ],
)
def test_labels_are_followed(expression: str, labels: set[str]) -> None:
    found = check(expression, SERIES)
    assert found.problems == []
    assert found.labels == labels


@pytest.mark.parametrize(
    ("expression", "problem"),
    [
        ("w_bytes", "w_bytes: no code emits this series"),
        ("t_seconds", "t_seconds: no code emits this series"),
        ("x", "x: no code emits this series"),
        ("y_bytes_total", "y_bytes_total: no code emits this series"),
        ("sum(rate(w_total[5m])) / sum(rate(x_total[5m]))", "w_total: no code emits this series"),
        ('y_bytes{kind="a"}', "y_bytes has no label 'kind', only instance, job, node"),
        ("sum by (tier) (x_total)", "what sum is given has no label 'tier', only instance, job, kind, node"),
        ("sum by (job) (sum by (kind) (x_total))", "what sum is given has no label 'job', only kind"),
        ("sum without (tier) (y_bytes)", "what sum is given has no label 'tier', only instance, job, node"),
        ("y_bytes / on (kind) x_total", "the left side has no label 'kind', only instance, job, node"),
        (
            "x_total / y_bytes",
            "the sides never match: only one of them has kind; say on (…) or ignoring (…)",
        ),
        (
            "x_total and y_bytes",
            "the sides never match: only one of them has kind; say on (…) or ignoring (…)",
        ),
        (
            "histogram_quantile(0.9, sum by (job) (rate(t_seconds_bucket[5m])))",
            "histogram_quantile's argument has no label 'le', only job",
        ),
        ("rate(y_bytes[5m])", "rate(y_bytes): this is a gauge"),
        ("deriv(x_total[5m])", "deriv(x_total): this is a counter"),
    ],
)
def test_what_would_stay_silent_is_found(expression: str, problem: str) -> None:
    assert check(expression, SERIES).problems == [problem]


def test_a_function_that_is_not_known_is_no_function_that_is_right() -> None:
    [problem] = check('label_replace(y_bytes, "a", "b", "c", "d")', SERIES).problems
    assert problem.startswith("label_replace: what it does to labels is not known here")
