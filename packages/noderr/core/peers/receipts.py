"""The receipts that one stream's peer is owed: at once where it waits for them, gathered for a while where it does not.

Writing to a stream costs about as much as handling what came over it, so one receipt for several frames is worth its
being late.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from noderr.types.wire.node_pb2 import Receipts, Refusal

LATEST_SECONDS = 0.25
"""What `node.proto` promises to who does not wait."""

# Who does not read its receipts is heard no further than this.
_MOST_REFUSALS = 256
_DETAIL_LETTERS = 512


class OwedReceipts:
    """Numbers count the stream's messages from 1. `run` writes; the rest says what is to be written."""

    def __init__(self, write: Callable[[Receipts], Awaitable[None]]) -> None:
        self.handled = 0
        """How many messages have been taken or refused."""
        self._write = write
        self._told = 0
        self._refused: list[Refusal] = []
        self._due = asyncio.Event()
        self._timer: asyncio.TimerHandle | None = None
        self._written = asyncio.Event()
        self._ended = False

    def refuse(self, code: int, detail: str) -> None:
        """The next message is refused. Of the words as many are told as anybody reads, and as UTF-8 can write them."""
        told = detail[:_DETAIL_LETTERS].encode(errors="backslashreplace").decode()
        self._refused.append(Refusal(number=self.handled + 1, code=code, detail=told))

    def owe(self, *, prompt: bool) -> None:
        """Have what has been handled so far written."""
        if self.handled > self._told and prompt:
            self._due.set()
        elif self.handled > self._told and self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(LATEST_SECONDS, self._due.set)

    async def room(self) -> None:
        """Waits only for a peer that does not read what it is told."""
        if len(self._refused) >= _MOST_REFUSALS:
            await self.flush()

    async def flush(self) -> None:
        """Return when all that has been handled has been written, or cannot be."""
        while self.handled > self._told and not self._ended:
            self._written.clear()
            self._due.set()
            await self._written.wait()

    async def run(self) -> None:
        """Write until cancelled, or until a write fails."""
        try:
            while True:
                await self._due.wait()
                self._due.clear()
                self._stop_timer()
                through, refused, self._refused = self.handled, self._refused, []
                if through > self._told:
                    await self._write(Receipts(through=through, refused=refused))
                    self._told = through
                self._written.set()
        finally:
            self._ended = True
            self._stop_timer()
            self._written.set()

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
