"""The series that can exist: those of the catalogues, with the labels that the code and Prometheus give them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from noderr.alpha_edge.catalogue import ALPHA_CATALOGUE
from noderr.coordinator.catalogue import COORDINATOR_CATALOGUE
from noderr.data_connectors.catalogue import FEED_CATALOGUE
from noderr.execution.catalogue import EXECUTION_CATALOGUE
from noderr.telemetry import CATALOGUE, MetricSpec

ALL_CATALOGUES = (*CATALOGUE, *COORDINATOR_CATALOGUE, *FEED_CATALOGUE, *ALPHA_CATALOGUE, *EXECUTION_CATALOGUE)
"""Every metric of ours."""

TARGET_LABELS = frozenset({"job", "instance", "node"})
"""What the scrape configuration puts on every series. The tier is the job: a label `tier` would hide the code's own."""


@dataclass(frozen=True)
class Series:
    """`counts` when it only grows, so that a rate makes sense and a slope does not."""

    labels: frozenset[str]
    counts: bool


def series_of(catalogue: Iterable[MetricSpec]) -> dict[str, Series]:
    """The series of a catalogue, by name; a histogram is three of them."""
    found: dict[str, Series] = {}
    for spec in catalogue:
        labels = TARGET_LABELS | frozenset(spec.labels)
        if spec.kind == "histogram":
            found[f"{spec.name}_bucket"] = Series(labels | {"le"}, counts=True)
            found[f"{spec.name}_sum"] = Series(labels, counts=True)
            found[f"{spec.name}_count"] = Series(labels, counts=True)
        else:
            found[spec.name] = Series(labels, counts=spec.kind == "counter")
    return found


KNOWN: Mapping[str, Series] = {
    # Prometheus' own: whether the last scrape worked.
    "up": Series(TARGET_LABELS, counts=False),
    **series_of(ALL_CATALOGUES),
}
