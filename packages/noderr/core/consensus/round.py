"""What a driver needs of any round machine; `VoteRound` is one, and the oracles' round."""

from __future__ import annotations

from typing import Protocol

from noderr.core.consensus.actions import Action
from noderr.core.consensus.status import Progress, Status
from noderr.types.consensus import Certificate, ProtocolMessage, Signed


class Round(Protocol):
    """Messages and the time in, actions out. `RefusedMessage` is raised for a message that does not count."""

    round: int
    topic: bytes
    deadline_ns: int
    """When it has failed, if it is not decided by then."""

    @property
    def status(self) -> Status: ...
    @property
    def certificate(self) -> Certificate | None: ...
    @property
    def progress(self) -> Progress: ...
    @property
    def next_time_ns(self) -> int | None: ...
    def on_signed(self, signed: Signed[ProtocolMessage], now_ns: int) -> list[Action]: ...
    def on_message(self, signed: Signed[ProtocolMessage], now_ns: int) -> list[Action]: ...
    def on_certificate(self, certificate: Certificate, now_ns: int) -> list[Action]: ...
    def on_time(self, now_ns: int) -> list[Action]: ...
