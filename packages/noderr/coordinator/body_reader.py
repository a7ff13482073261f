"""Reads the bodies of requests in bounded memory and time, whoever sends them."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

from starlette.requests import Request

from noderr.coordinator.errors import Refusal

MAX_BODY_BYTES = 1 << 20
_MAX_HELD_BYTES = 64 << 20
_SECONDS = 10.0
_RETRY_SECONDS = 5


class BodyReader:
    """A body has at most `max_bytes` and comes within `seconds`; all that are held take at most `max_held_bytes`."""

    def __init__(
        self, *, max_bytes: int = MAX_BODY_BYTES, max_held_bytes: int = _MAX_HELD_BYTES, seconds: float = _SECONDS
    ) -> None:
        self._max_bytes = max_bytes
        self._max_held_bytes = max_held_bytes
        self._seconds = seconds
        self.held_bytes = 0

    @contextlib.asynccontextmanager
    async def read(self, request: Request) -> AsyncIterator[bytes]:
        """The whole body, held until the block ends.

        Refuses `too-large`, `malformed` (too slow) and `unavailable` (too much at once).
        """
        body = bytearray()
        try:
            await self._fill(body, request)
            yield bytes(body)
        finally:
            self.held_bytes -= len(body)

    async def _fill(self, body: bytearray, request: Request) -> None:
        announced = request.headers.get("content-length", "")
        if announced.isdecimal() and int(announced[:20]) > self._max_bytes:
            raise self._too_large()
        try:
            async with asyncio.timeout(self._seconds):
                async for part in request.stream():
                    body += part
                    self.held_bytes += len(part)
                    if len(body) > self._max_bytes:
                        raise self._too_large()
                    if self.held_bytes > self._max_held_bytes:
                        raise Refusal(503, "unavailable", "too much at once: wait", retry_seconds=_RETRY_SECONDS)
        except TimeoutError as error:
            raise Refusal(400, "malformed", f"the body did not arrive within {self._seconds:g} s") from error

    def _too_large(self) -> Refusal:
        return Refusal(413, "too-large", f"a message has at most {self._max_bytes} bytes: send smaller batches")
