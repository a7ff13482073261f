"""What speaks a venue's protocol, without any I/O: frames in; events, and what is to be done, out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol, runtime_checkable

import msgspec

from noderr.market_data.events import MarketEvent


class Send(msgspec.Struct, frozen=True):
    """Send this text on the connection."""

    text: str


class Resync(msgspec.Struct, frozen=True):
    """The book of `symbol` is to be asked for anew: by sending these texts, or over HTTP where there are none."""

    symbol: str
    send: tuple[str, ...] = ()


class Reconnect(msgspec.Struct, frozen=True):
    """The connection is to be made anew."""

    reason: str


type Output = MarketEvent | Send | Resync | Reconnect


class VenueSession(Protocol):
    """Markets of one venue over one connection. A book is handed out only while its integrity check holds."""

    @property
    def venue(self) -> str: ...

    @property
    def symbols(self) -> Sequence[str]: ...

    @property
    def refused(self) -> Mapping[str, str]:
        """Symbols that the venue does not serve, and what it says."""

    def open(self) -> list[Output]:
        """A new connection is open: nothing is known yet."""

    def on_frame(self, payload: bytes, received_ns: int) -> list[Output]:
        """What a frame means. A frame that makes no sense ends in gaps and `Reconnect`, never in an exception."""

    def lost(self, reason: str, heard_ns: int) -> list[Output]:
        """The connection is gone; `heard_ns` is when its last good frame came."""

    def waiting(self) -> Sequence[str]:
        """Symbols whose book was asked for and has not come."""


@runtime_checkable
class AskingSession(VenueSession, Protocol):
    """A venue whose books do not come on the connection: they are asked for over HTTP."""

    def on_snapshot(self, symbol: str, payload: bytes, received_ns: int) -> list[Output]:
        """The answer to a `Resync`."""
