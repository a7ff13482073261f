"""What goes out: all that one turn of the loop wants sent to somebody goes together."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol

from noderr.core.consensus.actions import Payload
from noderr.core.consensus.codec import Codec
from noderr.types.consensus import RefusedMessage


class Outbox(Protocol):
    """Where bundles go."""

    def broadcast(self, bundle: bytes) -> None:
        """To every other voter that is there; never waits."""

    def send(self, voter: bytes, bundle: bytes) -> None:
        """To the voter with this address, if it is there; never waits."""


class Outgoing:
    """`refused` is told of what is too large for anybody to take; it is not sent, and everything else is."""

    def __init__(self, codec: Codec, outbox: Outbox, refused: Callable[[RefusedMessage], None]) -> None:
        self._codec = codec
        self._outbox = outbox
        self._refused = refused
        self._waiting: dict[bytes | None, list[Payload]] = {}

    def add(self, voter: bytes | None, payload: Payload) -> None:
        """To one voter, or to all."""
        if not self._waiting:
            asyncio.get_running_loop().call_soon(self._flush)
        self._waiting.setdefault(voter, []).append(payload)

    def _flush(self) -> None:
        waiting, self._waiting = self._waiting, {}
        for voter, payloads in waiting.items():
            for bundle in self._codec.bundles(payloads):
                if isinstance(bundle, RefusedMessage):
                    self._refused(bundle)
                elif voter is None:
                    self._outbox.broadcast(bundle)
                else:
                    self._outbox.send(voter, bundle)
