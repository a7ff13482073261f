"""The price-first smart order router: which venue gets how much of a parent order, so that it costs least all in.

`route` is a pure function of what the venues have now: `clob_curve` makes that of a live book, `CpmmCurve` of a pool.
"""

from noderr.execution.routing.clob_curve import ClobCurve, clob_curve
from noderr.execution.routing.cpmm_curve import CpmmCurve
from noderr.execution.routing.curve import VenueCurve
from noderr.execution.routing.route import route
from noderr.execution.routing.route_plan import Child, Insufficient, RoutePlan, Shortfall, SingleVenue

__all__ = [
    "Child",
    "ClobCurve",
    "CpmmCurve",
    "Insufficient",
    "RoutePlan",
    "Shortfall",
    "SingleVenue",
    "VenueCurve",
    "clob_curve",
    "route",
]
