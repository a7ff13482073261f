"""Errors of `noderr.execution`.

ExecutionError
├── NotApprovedError    a trade that must not be executed; `ground` is its code
├── TradingFileError    a file of what may be traded that says nothing of use; has every problem
├── HaltedError         nothing new is taken: somebody or something stopped the engine
├── TooManyTradesError  as many trades as are allowed at once are under way
├── JournalError        records that cannot be read, or that contradict each other
├── ScheduleError       an order, a time or a share that cannot be spread, or a fill that cannot be
├── CostError           fills, prices or times of which no costs can be reckoned
└── RoutingError        no question that a router can answer
    ├── CurveError      liquidity that no venue has
    └── RouteError      an order, a limit or a bound that nothing can be split by
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from noderr.types.consensus.approval import Ground


class ExecutionError(Exception):
    """Any error of this package. Its text names what is wrong, the value, and the remedy."""


class RoutingError(ExecutionError, ValueError):
    """The router was asked what has no answer. Too little liquidity is none of these: that is an answer."""


class CurveError(RoutingError):
    """A level, a reserve, a fee or a step that no book or pool has."""


class RouteError(RoutingError):
    """A quantity, a limit, a bound or a set of venues that no route can have."""


class NotApprovedError(ExecutionError):
    """Something is missing, forged, expired, or about another trade. Nothing was sent."""

    def __init__(self, ground: Ground, detail: str) -> None:
        self.ground = ground
        super().__init__(f"{ground}: {detail}")


class TradingFileError(ExecutionError, ValueError):
    """Nothing is traded until it is mended."""

    def __init__(self, path: Path, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        super().__init__(f"{path}: {'; '.join(problems)}")


class HaltedError(ExecutionError):
    """Orders are refused until it is resumed; cancels still pass."""


class TooManyTradesError(ExecutionError):
    """The trade was not begun, and may be tried again when another has ended."""


class JournalError(ExecutionError):
    """What was sent is not known for sure, so nothing more may be."""


class ScheduleError(ExecutionError, ValueError):
    """A schedule was asked for what no order can be spread by, or told what cannot have happened."""


class CostError(ExecutionError, ValueError):
    """What was handed in contradicts itself. Data that is missing is none of these: the figure says so."""
