"""Counts, times and names each HTTP request: metrics by route, and a request id in the logs and in the answer."""

from __future__ import annotations

import itertools
import logging
import re
import secrets
import time
from collections.abc import Callable, Mapping
from typing import Any

import structlog
from prometheus_client import Counter, Histogram
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from structlog.contextvars import bound_contextvars

from noderr.core.http_answers import Answer, MakeAnswer
from noderr.telemetry import NodeMetrics
from noderr.telemetry.tracing import span

_NAME = "noderr.core.http"
_log = structlog.get_logger(_NAME)

_REQUEST_ID = b"x-request-id"
_SAFE_ID = re.compile(rb"[A-Za-z0-9._-]{1,64}", re.ASCII)
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


def request_ids() -> Callable[[], str]:
    """Ids that no other process gives: a random word of this process, and a number."""
    prefix, numbers = secrets.token_hex(8), itertools.count(1)
    return lambda: f"{prefix}-{next(numbers):x}"


class HttpObserver:
    """The outermost ASGI application. It answers `answers`, which need no routing, by itself, and passes the rest on.

    `paths` maps endpoints to their path templates. Only templates and known methods become labels: a caller must not be
    able to make series.
    """

    def __init__(
        self,
        app: ASGIApp,
        metrics: NodeMetrics,
        paths: Mapping[Any, str],
        *,
        answers: Mapping[str, MakeAnswer] | None = None,
        clock: Callable[[], float] = time.perf_counter,
        new_id: Callable[[], str] | None = None,
    ) -> None:
        self._app = app
        self._metrics = metrics
        self._paths = dict(paths)
        self._answers = dict(answers or {})
        self._clock = clock
        self._new_id = new_id or request_ids()
        # Finding a labelled series costs more than counting in it.
        self._series: dict[tuple[str, str, int], tuple[Counter, Histogram]] = {}
        self._logger = logging.getLogger(_NAME)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = self._clock()
        request_id = self._id_of(scope)
        make_answer = self._answers.get(scope["path"])
        if make_answer is not None and scope["method"] in ("GET", "HEAD"):
            await self._answer(make_answer, scope, send, request_id, began)
        else:
            await self._pass_on(scope, receive, send, request_id, began)

    async def _answer(self, make_answer: MakeAnswer, scope: Scope, send: Send, request_id: bytes, began: float) -> None:
        try:
            answer = make_answer()
        except Exception as error:  # The caller learns no inner detail; the log does.
            _log.error("http_request_failed", request_id=request_id.decode(), path=scope["path"], exc_info=error)
            answer = Answer.internal_error()
        headers = [*answer.headers, (b"content-length", b"%d" % len(answer.body)), (_REQUEST_ID, request_id)]
        try:
            await send({"type": "http.response.start", "status": answer.status, "headers": headers})
            await send({"type": "http.response.body", "body": answer.body})
        finally:
            self._record(scope["method"], scope["path"], answer.status, self._clock() - began, request_id)

    async def _pass_on(self, scope: Scope, receive: Receive, send: Send, request_id: bytes, began: float) -> None:
        status = 500  # What the server answers when the application breaks before it does.

        async def observed_send(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message.get("headers", ()), (_REQUEST_ID, request_id)]
            await send(message)

        named = request_id.decode()
        with span("http.request", method=scope["method"], request_id=named), bound_contextvars(request_id=named):
            try:
                await self._app(scope, receive, observed_send)
            finally:
                # The router leaves the endpoint that it chose in the scope.
                route = self._paths.get(scope.get("endpoint"), "unmatched")
                method = scope["method"] if scope["method"] in _METHODS else "other"
                self._record(method, route, status, self._clock() - began, request_id)

    def _id_of(self, scope: Scope) -> bytes:
        for name, value in scope["headers"]:
            if name == _REQUEST_ID and _SAFE_ID.fullmatch(value):
                given: bytes = value
                return given
        return self._new_id().encode()

    def _record(self, method: str, route: str, status: int, seconds: float, request_id: bytes) -> None:
        key = (method, route, status)
        series = self._series.get(key)
        if series is None:
            series = self._series[key] = (
                self._metrics.http_requests.labels(method, route, str(status)),
                self._metrics.http_duration.labels(method, route),
            )
        series[0].inc()
        series[1].observe(seconds)
        if self._logger.isEnabledFor(logging.DEBUG):
            _log.debug(
                "http_request",
                method=method,
                route=route,
                status=status,
                duration_seconds=seconds,
                request_id=request_id.decode(),
            )
