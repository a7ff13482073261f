"""Counts, times and names each HTTP request: metrics by route, and a request id in the logs and in the answer."""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Callable, Mapping
from typing import Any

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from noderr.telemetry import NodeMetrics

_log = structlog.get_logger("noderr.core.http")

_REQUEST_ID = "x-request-id"
_SAFE_ID = re.compile(r"[A-Za-z0-9._-]{1,64}", re.ASCII)
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


def _new_id() -> str:
    return uuid.uuid4().hex


class HttpObserver:
    """ASGI middleware. `paths` maps endpoints to their path templates.

    Only templates and known methods become labels: a caller must not be able to make series.
    """

    def __init__(
        self,
        app: ASGIApp,
        metrics: NodeMetrics,
        paths: Mapping[Any, str],
        *,
        clock: Callable[[], float] = time.perf_counter,
        new_id: Callable[[], str] = _new_id,
    ) -> None:
        self._app = app
        self._metrics = metrics
        self._paths = dict(paths)
        self._clock = clock
        self._new_id = new_id

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = Headers(scope=scope).get(_REQUEST_ID, "")
        request_id = given if _SAFE_ID.fullmatch(given) else self._new_id()
        status = 500  # What the server answers when the application breaks before it does.

        async def observed_send(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)[_REQUEST_ID] = request_id
            await send(message)

        began = self._clock()
        with structlog.contextvars.bound_contextvars(request_id=request_id):
            try:
                await self._app(scope, receive, observed_send)
            finally:
                self._record(scope, status, self._clock() - began)

    def _record(self, scope: Scope, status: int, duration_seconds: float) -> None:
        # The router leaves the endpoint that it chose in the scope.
        route = self._paths.get(scope.get("endpoint"), "unmatched")
        method = scope["method"] if scope["method"] in _METHODS else "other"
        self._metrics.http_requests.labels(method, route, str(status)).inc()
        self._metrics.http_duration.labels(method, route).observe(duration_seconds)
        _log.debug("http_request", method=method, route=route, status=status, duration_seconds=duration_seconds)
