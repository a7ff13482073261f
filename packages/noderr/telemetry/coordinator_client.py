"""One request to the coordinator: signed by the node, answered with a signature of the coordinator's for it alone."""

from __future__ import annotations

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
from noderr.utils import HttpAnswerError
from noderr.utils.bounded_http import BoundedHttp, HttpAnswer, open_http

CONTENT_TYPE = "application/x-protobuf"
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
        self._http = BoundedHttp(open_http(), timeout_seconds=timeout_seconds, max_bytes=_MAX_ANSWER_BYTES)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        await self._http.close()

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
        answer = await self._post(path, request.SerializeToString())
        if answer.status != httpx.codes.OK:
            raise _refusal(f"{self._url}{path}", answer)
        try:
            reply = parse_signed(answer.body)
            self._check_key(reply)
            # Signed for this request: an old answer, however true once, does not fit.
            return open_message(reply_purpose, reply, reply_kind, context=request.signature)
        except SignatureError as error:
            raise UntrustedError(f"the answer of {self._url}{path}: {error}") from error

    async def _post(self, path: str, content: bytes) -> HttpAnswer:
        url = f"{self._url}{path}"
        try:
            return await self._http.ask(url, content, CONTENT_TYPE, name=url)
        except HttpAnswerError as error:
            raise UnreachableError(str(error)) from error

    def _check_key(self, reply: Signed) -> None:
        if self._coordinator_key and reply.public_key != self._coordinator_key:
            raise UntrustedError(
                f"{self._url} answers with the key {reply.public_key.hex()}, and NODEOS_COORDINATOR_KEY is "
                f"{self._coordinator_key.hex()}: whoever answers there is not this network's coordinator"
            )


def _refusal(url: str, answer: HttpAnswer) -> RefusedError | UnreachableError:
    try:
        refusal = msgspec.json.decode(answer.body, type=_Refusal)
    except msgspec.MsgspecError:
        return UnreachableError(f"{url} answers {answer.status}, and not as a coordinator does")
    return RefusedError(
        refusal.code, refusal.message, next_sequence=refusal.next_sequence, retry_seconds=answer.retry_seconds
    )
