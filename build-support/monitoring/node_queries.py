"""Queries of the nodes that a person has chosen on the dashboard."""

from __future__ import annotations

from monitoring.dashboard import Query

HERE = 'job=~"$job", node=~"$node"'
"""Chooses them."""
_RANGE = "[$__rate_interval]"


def here(name: str, legend: str) -> Query:
    """The series as it is."""
    return Query(f"{name}{{{HERE}}}", legend)


def rate(name: str, by: str, legend: str) -> Query:
    """How fast a counter grows, added up by these labels."""
    return Query(f"sum by ({by}) (rate({name}{{{HERE}}}{_RANGE}))", legend)


def quantile(share: float, name: str, legend: str) -> Query:
    """Of a histogram."""
    return Query(f"histogram_quantile({share}, rate({name}_bucket{{{HERE}}}{_RANGE}))", legend)


def grown(name: str, by: str, legend: str, over: str = "15m") -> Query:
    """By how much a counter grew in the last `over`, added up by these labels: for what is rare."""
    return Query(f"sum by ({by}) (increase({name}{{{HERE}}}[{over}]))", legend)
