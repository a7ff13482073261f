"""Ethereum's JSON-RPC over HTTP, bounded in size and time. The node may lie: what it says is checked by who asks.

Several questions go in one request, so that one node answers them all.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, Self

import httpx
import msgspec

from noderr.core.json_rpc_errors import (
    JsonRpcAnswerError,
    JsonRpcRefusedError,
    JsonRpcUnreachableError,
    JsonRpcUrlError,
)
from noderr.utils import HttpAnswerError
from noderr.utils.bounded_http import BoundedHttp, open_http, origin

_TIMEOUT_SECONDS = 10.0
_MAX_ANSWER_BYTES = 1 << 20
_MAX_QUOTED = 200


class Question(msgspec.Struct, frozen=True):
    """A method and its parameters, in JSON's types."""

    method: str
    params: tuple[object, ...] = ()


class _Request(msgspec.Struct):
    id: int
    method: str
    params: tuple[object, ...]
    jsonrpc: Literal["2.0"] = "2.0"


class _Error(msgspec.Struct):
    code: int
    message: str


class _Answer(msgspec.Struct):
    jsonrpc: Literal["2.0"]
    id: int | None = None
    result: Any = msgspec.UNSET
    error: _Error | None = None


_ANSWERS = msgspec.json.Decoder(list[_Answer] | _Answer)


class JsonRpc:
    """A node. Its own client follows no redirection and no proxy that an environment variable names."""

    def __init__(
        self, url: str, *, timeout_seconds: float = _TIMEOUT_SECONDS, max_answer_bytes: int = _MAX_ANSWER_BYTES
    ) -> None:
        """Each `ask` ends within `timeout_seconds`. Raises `JsonRpcUrlError`."""
        self._url = _checked(url)
        self._http = BoundedHttp(open_http(), timeout_seconds=timeout_seconds, max_bytes=max_answer_bytes)

    @property
    def name(self) -> str:
        """The node for people: see `origin`."""
        return origin(self._url)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exit: object) -> None:
        await self.close()

    async def close(self) -> None:
        await self._http.close()

    async def ask(self, questions: Sequence[Question]) -> list[object]:
        """The result of each, in their order. Raises `JsonRpcError`."""
        requests = [_Request(number, one.method, one.params) for number, one in enumerate(questions)]
        body = await self._post(msgspec.json.encode(requests))
        try:
            answers = _ANSWERS.decode(body)
        except (ValueError, RecursionError) as error:  # msgspec's errors are of the first kind too.
            raise JsonRpcAnswerError(f"{self.name} answers with no JSON-RPC: {error}") from error
        if isinstance(answers, _Answer):
            # What it cannot even take apart, a node answers as one.
            self._check_error(answers, "the request")
            raise JsonRpcAnswerError(f"{self.name} answers once, and {len(requests)} questions were asked in a list")
        by_id = {answer.id: answer for answer in answers}
        if len(by_id) != len(answers) or by_id.keys() != {request.id for request in requests}:
            raise JsonRpcAnswerError(f"{self.name} does not answer each of {len(requests)} questions once")
        return [self._result(by_id[request.id], request.method) for request in requests]

    def _result(self, answer: _Answer, method: str) -> object:
        self._check_error(answer, method)
        if answer.result is msgspec.UNSET:
            raise JsonRpcAnswerError(f"{self.name} answers {method} with neither a result nor an error")
        return answer.result

    def _check_error(self, answer: _Answer, what: str) -> None:
        error = answer.error
        if error is None:
            return
        if answer.result not in (msgspec.UNSET, None):
            raise JsonRpcAnswerError(f"{self.name} answers {what} with both a result and an error")
        said = f"{error.code} {error.message[:_MAX_QUOTED]!r}"
        raise JsonRpcRefusedError(f"{self.name} answers {what} with the error {said}", error.code)

    async def _post(self, content: bytes) -> bytes:
        try:
            answer = await self._http.ask(self._url, content, "application/json", status=httpx.codes.OK)
        except HttpAnswerError as error:
            raise JsonRpcUnreachableError(str(error)) from error
        return answer.body


def _checked(url: str) -> httpx.URL:
    wanted = "the address of a chain's node must be http:// or https:// with a host"
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL as error:
        raise JsonRpcUrlError(f"{wanted}: {error}") from error
    if parsed.scheme not in ("http", "https") or not parsed.host:
        raise JsonRpcUrlError(f"{wanted}, and this one has the scheme {parsed.scheme!r} and the host {parsed.host!r}")
    return parsed
