"""The node's page at `/`, and what every page of ours shares: look, script, headers.

No build step and nothing from elsewhere: the content security policy forbids it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import lru_cache

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from noderr.core.description import NodeDescription
from noderr.core.pages.rendering import HERE, render

_ASSETS = {"style.css": "text/css; charset=utf-8", "live.js": "text/javascript; charset=utf-8"}
_PAGE_HEADERS = {
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src data:; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}


def page_routes(describe: Callable[[], NodeDescription]) -> list[Route]:
    """`/` and what it needs."""

    async def page(_request: Request) -> Response:
        return page_response(render((), "node.html", node=describe()))

    return [Route("/", page), asset_route()]


def page_response(html: str) -> Response:
    """A page with the headers that keep others' code out of it."""
    return Response(html, headers=_PAGE_HEADERS, media_type="text/html")


def asset_route() -> Route:
    """`/assets/{name}`: the stylesheet and the script, and nothing else."""

    async def asset(request: Request) -> Response:
        name = request.path_params["name"]
        if name not in _ASSETS:
            raise HTTPException(404, "there is no such asset")
        content, tag = _asset(name)
        headers = {"etag": tag, "cache-control": "no-cache", "x-content-type-options": "nosniff"}
        if request.headers.get("if-none-match") == tag:
            return Response(status_code=304, headers=headers)
        return Response(content, headers=headers, media_type=_ASSETS[name])

    return Route("/assets/{name}", asset)


@lru_cache
def _asset(name: str) -> tuple[bytes, str]:
    content = (HERE / name).read_bytes()
    return content, f'"{hashlib.sha256(content).hexdigest()[:16]}"'
