"""HTTP for nodes: three paths, work in threads, refusals as JSON with a fixed word."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
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
from noderr.coordinator.body_reader import BodyReader
from noderr.coordinator.errors import Refusal, StoreUnavailableError
from noderr.coordinator.protocol import Answer, NodeProtocol
from noderr.telemetry.metrics import counter, gauge, histogram

_log = structlog.get_logger("noderr.coordinator.nodes")

_RETRY_SECONDS = 5

type Handle = Callable[[bytes], Answer]


class CoordinatorMetrics:
    """The coordinator's own catalogue made real."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.nodes = gauge(catalogue.NODES, registry)
        self.messages = counter(catalogue.MESSAGES, registry)
        self.records = counter(catalogue.RECORDS, registry)
        self.request_duration = histogram(catalogue.REQUEST_DURATION, registry)
        self.store_up = gauge(catalogue.STORE_UP, registry)


class NodesApi:
    """What the nodes' port answers. `executor` is where the protocol blocks."""

    def __init__(
        self,
        protocol: NodeProtocol,
        metrics: CoordinatorMetrics,
        executor: Executor,
        *,
        reader: BodyReader | None = None,
    ) -> None:
        self._protocol = protocol
        self._metrics = metrics
        self._executor = executor
        self._reader = reader or BodyReader()

    def app(self) -> ASGIApp:
        protocol = self._protocol
        routes = [
            self._route("heartbeat", protocol.heartbeat),
            self._route("telemetry", protocol.telemetry),
            self._route("peers", protocol.peers),
        ]
        return Starlette(routes=routes, exception_handlers={HTTPException: _no_route, Exception: _fail})

    def _route(self, kind: str, handle: Handle) -> Route:
        async def endpoint(request: Request) -> Response:
            began = time.perf_counter()
            response, outcome = await self._answer(kind, handle, request)
            self._metrics.messages.labels(kind, outcome).inc()
            self._metrics.request_duration.labels(kind).observe(time.perf_counter() - began)
            return response

        return Route(f"/v1/{kind}", endpoint, methods=["POST"])

    async def _answer(self, kind: str, handle: Handle, request: Request) -> tuple[Response, str]:
        try:
            self._protocol.admit(request.client.host if request.client else "unknown")
            async with self._reader.read(request) as body:
                answer = await asyncio.get_running_loop().run_in_executor(self._executor, handle, body)
        except ClientDisconnect:
            return Response(status_code=400), "refused"  # Nobody is there to read it.
        except Refusal as refusal:
            # Whoever floods us must not flood the log.
            log = _log.debug if refusal.code == "too-many" else _log.info
            log("node_refused", kind=kind, code=refusal.code, reason=refusal.message)
            return _refusal(refusal), "refused"
        except StoreUnavailableError as error:
            self._metrics.store_up.set(0)
            _log.error("store_unavailable", kind=kind, reason=str(error))
            away = Refusal(503, "unavailable", "the database does not answer", retry_seconds=_RETRY_SECONDS)
            return _refusal(away), "refused"
        self._metrics.store_up.set(1)
        self._metrics.records.inc(answer.new_records)
        return (
            Response(answer.body, media_type="application/x-protobuf"),
            "duplicate" if answer.duplicate else "accepted",
        )


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
