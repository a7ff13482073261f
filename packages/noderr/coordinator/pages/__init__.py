"""The coordinator's page: the whole network, trouble first."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from noderr.coordinator.description import NetworkDescription
from noderr.coordinator.errors import StoreUnavailableError
from noderr.coordinator.network import STATES
from noderr.coordinator.pages.network_view import NodeFilter, view_network
from noderr.coordinator.registry import TIERS
from noderr.core.pages import asset_route, page_response
from noderr.core.pages.rendering import load, render
from noderr.utils import Clock, SystemClock

_FOLDERS = (Path(__file__).parent,)
_SECOND_NS = 1_000_000_000


def network_page_routes(
    describe: Callable[[], Awaitable[NetworkDescription]], clock: Clock | None = None
) -> list[Route]:
    """`/` and what it needs. `tier`, `state` and `text` of the query choose nodes; an impossible choice gets 400.

    `clock` tells the time when the database cannot; the machine's when none is given.
    """
    used = clock or SystemClock()

    async def page(request: Request) -> Response:
        chosen = _chosen(request)
        await load(_FOLDERS, "network.html")
        try:
            network = await describe()
        except StoreUnavailableError as error:
            now = datetime.fromtimestamp(used.now_ns() / _SECOND_NS, UTC)
            return page_response(render(_FOLDERS, "unavailable.html", reason=str(error), now=now), 503)
        return page_response(network_page(network, chosen))

    return [Route("/", page), asset_route()]


def network_page(network: NetworkDescription, chosen: NodeFilter) -> str:
    """The page of one network at one moment."""
    return render(
        _FOLDERS,
        "network.html",
        network=network,
        now=network.at,
        view=view_network(network, chosen),
        chosen=chosen,
        tier_names=TIERS,
        state_names=STATES,
    )


def _chosen(request: Request) -> NodeFilter:
    asked = request.query_params
    for name, known in (("tier", TIERS), ("state", STATES)):
        if asked.get(name) and asked[name] not in known:
            raise HTTPException(400, f"{name}={asked[name]!r}: choose one of {', '.join(known)}, or none for all")
    return NodeFilter(asked.get("tier", ""), asked.get("state", ""), asked.get("text", ""))
