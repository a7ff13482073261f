"""What a PromQL expression is made of, as far as names and labels go: ranges, offsets and signs are left out."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Constant:
    """A number, or a string as it stands, quotes included."""

    text: str


@dataclass(frozen=True)
class Matcher:
    """`label operator value`; the value without its quotes."""

    label: str
    operator: str
    value: str


@dataclass(frozen=True)
class Selector:
    """`name{matchers}`."""

    name: str
    matchers: tuple[Matcher, ...]


@dataclass(frozen=True)
class Call:
    """`function(arguments)`."""

    function: str
    arguments: tuple[Expression, ...]


@dataclass(frozen=True)
class Aggregation:
    """`operator grouping (labels) (arguments)`; `grouping` is "by" or "without", a bare `sum(x)` is by no label."""

    operator: str
    grouping: str
    labels: tuple[str, ...]
    arguments: tuple[Expression, ...]


@dataclass(frozen=True)
class Matching:
    """How the two sides of an operator find each other. `kind` is "on" or "ignoring"; no word is ignoring nothing."""

    kind: str = "ignoring"
    labels: tuple[str, ...] = ()
    group: str = ""
    """"group_left", "group_right" or nothing."""
    group_labels: tuple[str, ...] = ()


@dataclass(frozen=True)
class Binary:
    """`left operator right`."""

    operator: str
    left: Expression
    right: Expression
    matching: Matching = Matching()


type Expression = Constant | Selector | Call | Aggregation | Binary
