"""`/api/v1/consensus`: the route, and its documentation."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from noderr.core.consensus.description import ConsensusDescription
from noderr.core.openapi import Operation

CONSENSUS_PATH = "/api/v1/consensus"

CONSENSUS_OPERATIONS = (
    Operation(
        CONSENSUS_PATH,
        "GET",
        "Who votes, where the open rounds stand, and how the last ones ended",
        ConsensusDescription,
        statuses={200: "The protocol of this tier at this moment"},
    ),
)


def consensus_routes(describe: Callable[[], ConsensusDescription]) -> Sequence[Route]:
    """The route of a tier that runs one protocol."""

    async def consensus(_request: Request) -> Response:
        headers = {"cache-control": "no-store"}
        return Response(msgspec.json.encode(describe()), media_type="application/json", headers=headers)

    return (Route(CONSENSUS_PATH, consensus, methods=["GET"]),)
