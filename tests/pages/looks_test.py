"""Every state that a person may meet, at three widths and in the dark: nothing is cut off, nothing complains."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from starlette.routing import Route

from noderr.coordinator.description import NetworkDescription
from noderr.coordinator.pages import network_page_routes
from noderr.core.description import NodeDescription
from noderr.core.pages import page_routes
from noderr.utils import ManualClock
from tests.pages.browser import Browser
from tests.pages.samples import NOW, fine_node, network, troubled_node, unready_node
from tests.pages.serving import serving


def node_routes(describe: Callable[[], NodeDescription]) -> list[Route]:
    return page_routes(describe, ManualClock(int(NOW.timestamp()) * 1_000_000_000))


def network_routes(size: int) -> list[Route]:
    found = network(size)

    async def describe() -> NetworkDescription:
        return found

    return network_page_routes(describe)


STATES: dict[str, tuple[Callable[[], list[Route]], str]] = {
    "node-fine": (lambda: node_routes(fine_node), "Ready"),
    "node-unready": (lambda: node_routes(unready_node), "Alive, not ready"),
    "node-troubled": (lambda: node_routes(troubled_node), "Not alive"),
    "network-0": (lambda: network_routes(0), "No node is enrolled"),
    "network-3": (lambda: network_routes(3), "2 of 3 nodes are ready"),
    "network-30": (lambda: network_routes(30), "of 30 nodes are ready"),
    "network-500": (lambda: network_routes(500), "of 500 nodes are ready"),
}
LOOKS = {"wide": (1280, False), "phone": (390, False), "dark": (1280, True)}


@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize("state", STATES)
def test_every_state_at_every_width(chromium: Browser, screenshots: Path, state: str, look: str) -> None:
    make_routes, title = STATES[state]
    width, dark = LOOKS[look]
    with serving(make_routes()) as server, chromium.page(server.url, width=width, dark=dark) as page:
        page.screenshot(screenshots / f"{state}-{look}.png")
        assert title in page.text()
        assert page.run("document.documentElement.scrollWidth") <= width, "the page is wider than the window"
        assert page.complaints == []
        assert {url for url in page.asked if not url.startswith((server.url, "data:"))} == set()
