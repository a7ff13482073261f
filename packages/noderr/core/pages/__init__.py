"""The node's page at `/`, and what every page of ours shares: look, script, headers.

No build step and nothing from elsewhere: the content security policy forbids it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from noderr.core.description import NodeDescription
from noderr.core.pages.node_view import view_node
from noderr.core.pages.rendering import HERE, load, render
from noderr.utils import Clock, SystemClock

_SECOND_NS = 1_000_000_000
_ASSETS = {"style.css": "text/css; charset=utf-8", "live.js": "text/javascript; charset=utf-8"}
_PAGE_HEADERS = {
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src data:; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}
_ASSET_HEADERS = {
    "cache-control": "no-cache",
    "cross-origin-resource-policy": "same-origin",
    "x-content-type-options": "nosniff",
}


def page_routes(describe: Callable[[], NodeDescription], clock: Clock | None = None) -> list[Route]:
    """`/` and what it needs. Ages are measured against `clock`, the machine's when none is given."""
    used = clock or SystemClock()

    async def page(_request: Request) -> Response:
        await load((), "node.html")
        return page_response(node_page(describe(), datetime.fromtimestamp(used.now_ns() / _SECOND_NS, UTC)))

    return [Route("/", page), asset_route()]


def node_page(node: NodeDescription, now: datetime) -> str:
    """The page of one node at one moment."""
    return render((), "node.html", node=node, view=view_node(node), now=now)


def page_response(html: str, status: int = 200) -> Response:
    """A page with the headers that keep others' code out of it."""
    return Response(html, status, _PAGE_HEADERS, "text/html")


def asset_route() -> Route:
    """`/assets/{name}`: the stylesheet and the script, and nothing else."""

    async def asset(request: Request) -> Response:
        name = request.path_params["name"]
        if name not in _ASSETS:
            raise HTTPException(404, "there is no such asset")
        content, tag = _asset(name)
        headers = {"etag": tag, **_ASSET_HEADERS}
        if _knows(request.headers.get("if-none-match", ""), tag):
            return Response(status_code=304, headers=headers)
        return Response(content, headers=headers, media_type=_ASSETS[name])

    return Route("/assets/{name}", asset)


def _knows(if_none_match: str, tag: str) -> bool:
    return any(known.strip().removeprefix("W/") in ("*", tag) for known in if_none_match.split(","))


@lru_cache
def _asset(name: str) -> tuple[bytes, str]:
    content = (HERE / name).read_bytes()
    return content, f'"{hashlib.sha256(content).hexdigest()[:16]}"'
