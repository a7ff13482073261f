"""The HTTP API of every process of ours: what needs no routing is answered at once, the rest is Starlette's."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from noderr.core.http_answers import Answer, MakeAnswer
from noderr.core.http_observer import HttpObserver
from noderr.telemetry import NodeMetrics


def http_api(metrics: NodeMetrics, answers: Mapping[str, MakeAnswer], routes: Sequence[Route] = ()) -> ASGIApp:
    """The ASGI application. `answers` maps paths to what is said to GET and HEAD; `routes` are everything else."""

    # The router knows the fixed paths too, so that it refuses other methods there as it does everywhere.
    all_routes = [*(Route(path, _endpoint(make_answer)) for path, make_answer in answers.items()), *routes]
    app = Starlette(routes=all_routes, exception_handlers={HTTPException: _refuse, Exception: _fail})
    return HttpObserver(app, metrics, {route.endpoint: route.path for route in all_routes}, answers=answers)


def _endpoint(make_answer: MakeAnswer) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(_request: Request) -> Response:
        return _response(make_answer())

    return endpoint


def _response(answer: Answer) -> Response:
    response = Response(answer.body, answer.status)
    response.raw_headers = [*answer.headers, (b"content-length", b"%d" % len(answer.body))]
    return response


async def _refuse(_request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # Starlette picks the handler by this type.
    response = _response(Answer.json({"error": error.detail}, error.status_code))
    response.headers.update(error.headers or {})
    return response


async def _fail(_request: Request, _error: Exception) -> Response:
    # Starlette raises the error again after this answer, and the server logs it; the caller learns no inner detail.
    return _response(Answer.internal_error())
