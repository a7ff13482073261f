"""Errors of `noderr.execution`.

ExecutionError
└── RoutingError        no question that a router can answer
    ├── CurveError      liquidity that no venue has
    └── RouteError      an order, a limit or a bound that nothing can be split by
"""

from __future__ import annotations


class ExecutionError(Exception):
    """Any error of this package. Its text names what is wrong, the value, and the remedy."""


class RoutingError(ExecutionError, ValueError):
    """The router was asked what has no answer. Too little liquidity is none of these: that is an answer."""


class CurveError(RoutingError):
    """A level, a reserve, a fee or a step that no book or pool has."""


class RouteError(RoutingError):
    """A quantity, a limit, a bound or a set of venues that no route can have."""
