"""HTTP for nodes: three paths, bodies bounded, work in threads, refusals as JSON with a fixed word."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import Executor

import structlog
from prometheus_client import CollectorRegistry
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from noderr.coordinator import catalogue
from noderr.coordinator.errors import Refusal, StoreUnavailableError
from noderr.coordinator.protocol import NodeProtocol
from noderr.telemetry.metrics import counter, gauge, histogram

_log = structlog.get_logger("noderr.coordinator.nodes")

MAX_BODY_BYTES = 1 << 20
_BODY_SECONDS = 10.0
_RETRY_SECONDS = 5

type Handle = Callable[[bytes], tuple[bytes, bool]]
type Work = Callable[[bytes], Awaitable[tuple[bytes, bool]]]


class CoordinatorMetrics:
    """The coordinator's own catalogue made real."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.nodes = gauge(catalogue.NODES, registry)
        self.messages = counter(catalogue.MESSAGES, registry)
        self.records = counter(catalogue.RECORDS, registry)
        self.request_duration = histogram(catalogue.REQUEST_DURATION, registry)
        self.store_up = gauge(catalogue.STORE_UP, registry)


def nodes_api(protocol: NodeProtocol, metrics: CoordinatorMetrics, executor: Executor) -> ASGIApp:
    """The ASGI application of the nodes' port."""

    def route(kind: str, handle: Handle) -> Route:
        def work(body: bytes) -> Awaitable[tuple[bytes, bool]]:
            return asyncio.get_running_loop().run_in_executor(executor, handle, body)

        async def endpoint(request: Request) -> Response:
            began = time.perf_counter()
            try:
                return await _answer(request, kind, protocol.admit, work, metrics)
            finally:
                metrics.request_duration.labels(kind).observe(time.perf_counter() - began)

        return Route(f"/v1/{kind}", endpoint, methods=["POST"])

    routes = [
        route("heartbeat", protocol.heartbeat),
        route("telemetry", protocol.telemetry),
        route("peers", protocol.peers),
    ]
    return Starlette(routes=routes, exception_handlers={HTTPException: _no_route, Exception: _fail})


async def _answer(
    request: Request, kind: str, admit: Callable[[str], None], work: Work, metrics: CoordinatorMetrics
) -> Response:
    try:
        admit(request.client.host if request.client else "unknown")
        reply, duplicate = await work(await _read(request))
    except ClientDisconnect:
        metrics.messages.labels(kind, "refused").inc()
        return Response(status_code=400)
    except Refusal as refusal:
        metrics.messages.labels(kind, "refused").inc()
        _log.info("node_refused", kind=kind, code=refusal.code, reason=refusal.message)
        return _refusal(refusal)
    except StoreUnavailableError as error:
        metrics.messages.labels(kind, "refused").inc()
        metrics.store_up.set(0)
        _log.error("store_unavailable", reason=str(error))
        return _refusal(Refusal(503, "unavailable", "the database does not answer", retry_seconds=_RETRY_SECONDS))
    metrics.store_up.set(1)
    metrics.messages.labels(kind, "duplicate" if duplicate else "accepted").inc()
    return Response(reply, media_type="application/x-protobuf")


async def _read(request: Request) -> bytes:
    """The whole body. Refuses `too-large` and `malformed` (too slow)."""
    body = bytearray()
    try:
        async with asyncio.timeout(_BODY_SECONDS):
            async for part in request.stream():
                body += part
                if len(body) > MAX_BODY_BYTES:
                    raise Refusal(
                        413, "too-large", f"a message has at most {MAX_BODY_BYTES} bytes: send smaller batches"
                    )
    except TimeoutError as error:
        raise Refusal(400, "malformed", f"the body did not arrive within {_BODY_SECONDS:g} s") from error
    return bytes(body)


def _refusal(refusal: Refusal) -> Response:
    content: dict[str, str | int] = {"code": refusal.code, "message": refusal.message}
    if refusal.next_sequence:
        content["next_sequence"] = refusal.next_sequence
    headers = {"retry-after": str(refusal.retry_seconds)} if refusal.retry_seconds else None
    return JSONResponse(content, refusal.status, headers)


async def _no_route(_request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # Starlette picks the handler by this type.
    response = JSONResponse({"code": "malformed", "message": error.detail}, error.status_code)
    response.headers.update(error.headers or {})
    return response


async def _fail(_request: Request, _error: Exception) -> Response:
    # Starlette raises the error again after this answer, and the server logs it.
    return JSONResponse({"code": "unavailable", "message": "internal error"}, 500)
