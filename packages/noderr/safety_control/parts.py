"""Safety control as a part of a node."""

from __future__ import annotations

from noderr.core.parts import TierParts
from noderr.safety_control.routes import SAFETY_OPERATIONS, safety_routes
from noderr.safety_control.service import SafetyService


def safety_parts(service: SafetyService) -> TierParts:
    """The service `safety-control` and `/api/v1/safety`."""
    return TierParts(services=[service], routes=safety_routes(service), operations=SAFETY_OPERATIONS)
