"""What is to be signed, one message after another: the guard waits for the disk in a thread, as the loop must not.

What is asked for while the disk is at work goes there together, and is sent together. The signatures are made on the
loop: a thread that computes would have to win Python's lock from it again and again.
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

    def permit_all(self, messages: Sequence[ProtocolMessage]) -> list[GuardError | None]:
        """What stands against signing each; blocks. Raises `OSError` when the guard's disk fails."""

    def sign_all(self, messages: Sequence[ProtocolMessage]) -> list[Signed[ProtocolMessage]]:
        """All signed; does not block for what was permitted."""


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
            refused = await self._permit([message for _, message in asked])
            permitted = [message for (_, message), refusal in zip(asked, refused, strict=True) if refusal is None]
            signed = iter(self._signer.sign_all(permitted))
            for (round_, message), refusal in zip(asked, refused, strict=True):
                self._done(round_, message, next(signed) if refusal is None else refusal)

    async def _permit(self, messages: Sequence[ProtocolMessage]) -> list[GuardError | None]:
        permitting = asyncio.ensure_future(asyncio.to_thread(self._signer.permit_all, messages))
        try:
            return await asyncio.shield(permitting)
        except asyncio.CancelledError:
            # The thread goes on writing, and who cancels us closes the file next.
            await asyncio.wait([permitting])
            if not permitting.cancelled() and (error := permitting.exception()):
                _log.warning("not_signed", round=messages[0].round, reason=str(error))
            raise
