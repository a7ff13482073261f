"""The coordinator's page: the whole network, trouble first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from noderr.coordinator.description import KnownNode, NetworkDescription
from noderr.coordinator.errors import StoreUnavailableError
from noderr.coordinator.network import STATES
from noderr.coordinator.registry import TIERS
from noderr.core.pages import asset_route, page_response
from noderr.core.pages.rendering import render

_HERE = Path(__file__).parent
_TROUBLE = {"silent": 0, "late": 1, "never": 2, "online": 3}


@dataclass(frozen=True)
class Filter:
    """What the page is asked to show; empty shows all."""

    tier: str = ""
    state: str = ""
    text: str = ""

    def fits(self, node: KnownNode) -> bool:
        words = self.text.lower().split()
        text = search_text(node)
        return (
            (not self.tier or node.tier == self.tier)
            and (not self.state or node.state == self.state)
            and all(word in text for word in words)
        )


@dataclass(frozen=True)
class Row:
    """A node, and the text in which a person's words are looked for."""

    it: KnownNode
    text: str


@dataclass(frozen=True)
class TierSummary:
    """One tier in numbers. `versions` are those running, most nodes first."""

    name: str
    nodes: int
    online: int
    ready: int
    desired: str
    versions: tuple[tuple[str, int], ...]


def network_page_routes(describe: Callable[[], Awaitable[NetworkDescription]]) -> list[Route]:
    """`/` and what it needs."""

    async def page(request: Request) -> Response:
        asked = request.query_params
        chosen = Filter(asked.get("tier", ""), asked.get("state", ""), asked.get("text", ""))
        try:
            network = await describe()
        except StoreUnavailableError as error:
            response = page_response(render([_HERE], "unavailable.html", reason=str(error)))
            response.status_code = 503
            return response
        return page_response(network_page(network, chosen))

    return [Route("/", page), asset_route()]


def network_page(network: NetworkDescription, chosen: Filter) -> str:
    """The page of one network at one moment."""
    nodes = sorted(network.nodes, key=_trouble)
    states = Counter(node.state for node in nodes)
    counts = {
        **{state: states[state] for state in STATES},
        "ready": sum(node.ready is True for node in nodes),
        "trouble": len(nodes) - states["online"],
        "records": sum(node.records for node in nodes),
        "lost": sum(node.lost_records for node in nodes),
    }
    return render(
        [_HERE],
        "network.html",
        network=network,
        counts=counts,
        tiers=[_summary(tier, nodes, network.desired_versions.get(tier, "")) for tier in TIERS],
        nodes=[Row(node, search_text(node)) for node in nodes if chosen.fits(node)],
        filter=chosen,
        tier_names=TIERS,
        state_names=STATES,
    )


def search_text(node: KnownNode) -> str:
    """All that a person may look for, in lower case."""
    return " ".join((node.node_id, node.tier, node.state, node.version or "", node.address, *node.missing)).lower()


def _trouble(node: KnownNode) -> tuple[int, bool, str, str]:
    return (_TROUBLE[node.state], node.ready is True, node.tier, node.node_id)


def _summary(tier: str, nodes: Sequence[KnownNode], desired: str) -> TierSummary:
    members = [node for node in nodes if node.tier == tier]
    online = [node for node in members if node.state == "online"]
    versions = Counter(node.version for node in online if node.version)
    return TierSummary(
        tier,
        len(members),
        len(online),
        sum(node.ready is True for node in online),
        desired,
        tuple(sorted(versions.items(), key=lambda item: (-item[1], item[0]))),
    )
