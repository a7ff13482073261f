"""One request to the coordinator: signed by the node, answered with a signature of the coordinator's for it alone."""

from __future__ import annotations

import asyncio
import ssl
from types import TracebackType
from typing import Annotated, Self

import httpx
import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from google.protobuf.message import Message

from noderr.telemetry.errors import RefusedError, UnreachableError, UntrustedError
from noderr.types.signing.errors import SignatureError
from noderr.types.signing.messages import open_message, parse_signed, sign_message
from noderr.types.wire.telemetry_pb2 import (
    Batch,
    BatchReply,
    Heartbeat,
    HeartbeatReply,
    PeersReply,
    PeersRequest,
    Signed,
)

CONTENT_TYPE = "application/x-protobuf"
# Answers are read as they come, so that none grows in memory: nobody on the way may compress them.
_HEADERS = {"content-type": CONTENT_TYPE, "accept-encoding": "identity"}
_TIMEOUT_SECONDS = 10.0
_MAX_ANSWER_BYTES = 1 << 20
_MAX_SEQUENCE = (1 << 63) - 1


class _Refusal(msgspec.Struct):
    """The body of every refusal; names as in telemetry.proto."""

    code: str
    message: str
    next_sequence: Annotated[int, msgspec.Meta(ge=0, le=_MAX_SEQUENCE)] = 0


class CoordinatorClient:
    """`url` is the coordinator's; `coordinator_key` its raw public key, or empty to believe whoever TLS shows there.

    Every call ends within `timeout_seconds`, and raises `UnreachableError`, `UntrustedError` or `RefusedError`.
    """

    def __init__(
        self,
        url: str,
        key: Ed25519PrivateKey,
        coordinator_key: bytes = b"",
        *,
        timeout_seconds: float = _TIMEOUT_SECONDS,
    ) -> None:
        self._url = url.rstrip("/")
        self._key = key
        self._coordinator_key = coordinator_key
        self._timeout_seconds = timeout_seconds
        # The system's certificates, and no proxy that an environment variable names. The library's own time limits are
        # for each read, so that an answer which trickles would hold the node for days: see `_post`.
        self._http = httpx.AsyncClient(
            timeout=httpx.Timeout(None), trust_env=False, follow_redirects=False, verify=ssl.create_default_context()
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        await self._http.aclose()

    async def heartbeat(self, message: Heartbeat) -> HeartbeatReply:
        return await self._ask("heartbeat", "/v1/heartbeat", message, "heartbeat reply", HeartbeatReply)

    async def telemetry(self, message: Batch) -> BatchReply:
        return await self._ask("telemetry batch", "/v1/telemetry", message, "telemetry reply", BatchReply)

    async def peers(self, message: PeersRequest) -> PeersReply:
        return await self._ask("peers request", "/v1/peers", message, "peers reply", PeersReply)

    async def _ask[M: Message](
        self, purpose: str, path: str, message: Message, reply_purpose: str, reply_kind: type[M]
    ) -> M:
        request = sign_message(purpose, message, self._key)
        status, headers, body = await self._post(path, request.SerializeToString())
        if status != httpx.codes.OK:
            raise _refusal(f"{self._url}{path}", status, headers, body)
        try:
            reply = parse_signed(body)
            self._check_key(reply)
            # Signed for this request: an old answer, however true once, does not fit.
            return open_message(reply_purpose, reply, reply_kind, context=request.signature)
        except SignatureError as error:
            raise UntrustedError(f"the answer of {self._url}{path}: {error}") from error

    async def _post(self, path: str, content: bytes) -> tuple[int, httpx.Headers, bytes]:
        url = f"{self._url}{path}"
        body = bytearray()
        try:
            async with (
                asyncio.timeout(self._timeout_seconds),
                self._http.stream("POST", url, content=content, headers=_HEADERS) as response,
            ):
                async for part in response.aiter_raw():
                    body += part
                    if len(body) > _MAX_ANSWER_BYTES:
                        raise UnreachableError(f"{url} answers with more than {_MAX_ANSWER_BYTES} bytes")
                return response.status_code, response.headers, bytes(body)
        except TimeoutError as error:
            raise UnreachableError(f"{url} does not answer within {self._timeout_seconds:g} s") from error
        except httpx.HTTPError as error:
            raise UnreachableError(f"{url} does not answer: {type(error).__name__}: {error}") from error

    def _check_key(self, reply: Signed) -> None:
        if self._coordinator_key and reply.public_key != self._coordinator_key:
            raise UntrustedError(
                f"{self._url} answers with the key {reply.public_key.hex()}, and NODEOS_COORDINATOR_KEY is "
                f"{self._coordinator_key.hex()}: whoever answers there is not this network's coordinator"
            )


def _refusal(url: str, status: int, headers: httpx.Headers, body: bytes) -> RefusedError | UnreachableError:
    try:
        refusal = msgspec.json.decode(body, type=_Refusal)
    except msgspec.MsgspecError:
        return UnreachableError(f"{url} answers {status}, and not as a coordinator does")
    retry = headers.get("retry-after", "")
    return RefusedError(
        refusal.code,
        refusal.message,
        next_sequence=refusal.next_sequence,
        retry_seconds=float(retry) if retry.isdecimal() else 0.0,
    )
