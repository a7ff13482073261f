"""Events of the node itself that are published on its bus."""

from __future__ import annotations

import msgspec

from noderr.core.event_bus import Topic


class ServiceChanged(msgspec.Struct, frozen=True):
    """A service has entered `state`."""

    service: str
    state: str
    problem: str | None
    restarts: int


SERVICE_CHANGED = Topic("node.service-changed", ServiceChanged)
