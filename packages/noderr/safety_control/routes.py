"""`/api/v1/safety`: the state, and the kill switch.

The node's HTTP API asks nobody who they are. So it lets anybody halt, which at the worst stops trading, and nobody
resume, which is a command on the machine. A page in an operator's browser must not halt either: it cannot send JSON to
another site without asking first.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from noderr.core.openapi import Operation
from noderr.safety_control.description import SafetyDescription, describe_safety
from noderr.safety_control.errors import RecordError, SafetyError
from noderr.safety_control.service import SafetyService

SAFETY_PATH = "/api/v1/safety"
HALT_PATH = "/api/v1/safety/halt"

_MAX_BODY_BYTES = 4_096


class Halt(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Why everything must stop; 1 to 500 characters of one line."""

    reason: str


SAFETY_OPERATIONS = (
    Operation(
        SAFETY_PATH,
        "GET",
        "What may be traded, why not more, and who changed it",
        SafetyDescription,
        statuses={200: "The state at this moment"},
    ),
    Operation(
        HALT_PATH,
        "POST",
        "The kill switch: nothing new is approved from now on; only a command on the machine resumes",
        SafetyDescription,
        request=Halt,
        statuses={200: "Halted"},
    ),
)


def safety_routes(service: SafetyService) -> Sequence[Route]:
    async def show(_request: Request) -> Response:
        await service.look()
        return _shown(service)

    async def halt(request: Request) -> Response:
        if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
            raise HTTPException(415, "send JSON: content-type application/json")
        body = b""
        async for chunk in request.stream():
            body += chunk
            if len(body) > _MAX_BODY_BYTES:
                raise HTTPException(413, f"at most {_MAX_BODY_BYTES} bytes")
        try:
            wanted = msgspec.json.decode(body, type=Halt)
        except msgspec.MsgspecError as error:
            raise HTTPException(400, f'send {{"reason": "…"}}: {error}') from error
        try:
            await service.halt("http", wanted.reason)
        except RecordError as error:
            raise HTTPException(400, str(error)) from error
        except SafetyError as error:
            raise HTTPException(503, str(error)) from error
        return _shown(service)

    return (Route(SAFETY_PATH, show, methods=["GET"]), Route(HALT_PATH, halt, methods=["POST"]))


def _shown(service: SafetyService) -> Response:
    body = msgspec.json.encode(describe_safety(service.standing, service.recent))
    return Response(body, media_type="application/json", headers={"cache-control": "no-store"})
