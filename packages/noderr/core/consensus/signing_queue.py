"""What is to be signed, one message after another, in a thread: the guard waits for the disk, and the loop must not.

What is asked for while the thread is at work is signed in its next go, so that it can be sent together.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Protocol

import structlog

from noderr.core.consensus.errors import GuardError
from noderr.core.consensus.journal import MOST_AT_ONCE
from noderr.core.consensus.round import Round
from noderr.types.consensus import ProtocolMessage, Signed

_log = structlog.get_logger("noderr.core.consensus")

type Result = Signed[ProtocolMessage] | GuardError


class Signer(Protocol):
    """The guarded key."""

    def sign_all(self, messages: Sequence[ProtocolMessage]) -> list[Result]:
        """Each signed, or refused. Raises `OSError` when the guard's disk fails."""


class SigningQueue:
    """Calls `done` on the loop, in the order of asking, with the signed message or the guard's refusal."""

    def __init__(self, signer: Signer, done: Callable[[Round, ProtocolMessage, Result], None]) -> None:
        self._signer = signer
        self._done = done
        self._asked: asyncio.Queue[tuple[Round, ProtocolMessage]] = asyncio.Queue()

    def ask(self, round_: Round, message: ProtocolMessage) -> None:
        """Have this message of the round signed."""
        self._asked.put_nowait((round_, message))

    async def run(self) -> None:
        """Sign until cancelled. Raises `OSError` when the guard's disk fails."""
        while True:
            asked = [await self._asked.get()]
            while not self._asked.empty() and len(asked) < MOST_AT_ONCE:
                asked.append(self._asked.get_nowait())
            results = await self._in_thread([message for _, message in asked])
            for (round_, message), result in zip(asked, results, strict=True):
                self._done(round_, message, result)

    async def _in_thread(self, messages: Sequence[ProtocolMessage]) -> list[Result]:
        signing = asyncio.ensure_future(asyncio.to_thread(self._signer.sign_all, messages))
        try:
            return await asyncio.shield(signing)
        except asyncio.CancelledError:
            # The thread goes on writing, and who cancels us closes the file next.
            await asyncio.wait([signing])
            if not signing.cancelled() and (error := signing.exception()):
                _log.warning("not_signed", round=messages[0].round, reason=str(error))
            raise
