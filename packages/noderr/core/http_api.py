"""The HTTP API that every node has: `/health`, `/ready`, `/metrics` and `/api/v1/node`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import msgspec
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from noderr.core.description import NodeDescription
from noderr.core.http_observer import HttpObserver
from noderr.core.vitals import Vitals
from noderr.telemetry import METRICS_CONTENT_TYPE, NodeMetrics


def http_api(
    vitals: Vitals,
    describe: Callable[[], NodeDescription],
    metrics: NodeMetrics,
    routes: Sequence[Route] = (),
) -> ASGIApp:
    """The ASGI application; `routes` are the tier's own."""

    async def health(_request: Request) -> Response:
        problems = vitals.problems()
        return _json({"alive": not problems, "problems": problems}, 503 if problems else 200)

    async def ready(_request: Request) -> Response:
        missing = vitals.missing()
        return _json({"ready": not missing, "missing": missing}, 503 if missing else 200)

    async def exposition(_request: Request) -> Response:
        return Response(metrics.render(), headers={"content-type": METRICS_CONTENT_TYPE})

    async def node(_request: Request) -> Response:
        return _json(describe())

    all_routes = [
        Route("/health", health),
        Route("/ready", ready),
        Route("/metrics", exposition),
        Route("/api/v1/node", node),
        *routes,
    ]
    app = Starlette(routes=all_routes, exception_handlers={HTTPException: _refuse, Exception: _fail})
    return HttpObserver(app, metrics, {route.endpoint: route.path for route in all_routes})


def _json(content: Any, status: int = 200) -> Response:
    return Response(msgspec.json.encode(content), status, {"cache-control": "no-store"}, "application/json")


async def _refuse(_request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # Starlette picks the handler by this type.
    response = _json({"error": error.detail}, error.status_code)
    response.headers.update(error.headers or {})
    return response


async def _fail(_request: Request, _error: Exception) -> Response:
    # Starlette raises the error again after this answer, and the server logs it; the caller learns no inner detail.
    return _json({"error": "internal error"}, 500)
