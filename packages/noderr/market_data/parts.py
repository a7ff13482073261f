"""Market data as a part of a node: the service, and `/api/v1/books`."""

from __future__ import annotations

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from noderr.core.openapi import Operation
from noderr.core.parts import NodeContext, TierParts
from noderr.market_data.description import BooksDescription, describe_books
from noderr.market_data.service import MarketDataService

BOOKS_PATH = "/api/v1/books"
_OPERATIONS = (
    Operation(
        BOOKS_PATH,
        "GET",
        "Order books that this node keeps, the best prices across venues, and what it does not know",
        BooksDescription,
        statuses={200: "All markets at this moment"},
    ),
)


def market_parts(node: NodeContext, service: MarketDataService) -> TierParts:
    """The service and its route."""

    async def books(_request: Request) -> Response:
        said = describe_books(service.books, node.clock.monotonic(), service.missing())
        headers = {"cache-control": "no-store"}
        return Response(msgspec.json.encode(said), media_type="application/json", headers=headers)

    return TierParts([service], [Route(BOOKS_PATH, books, methods=["GET"])], _OPERATIONS)
