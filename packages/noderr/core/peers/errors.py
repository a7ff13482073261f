"""Errors of `noderr.core.peers`.

PeerError
├── PeerListError          too many peers, or this node among its own peers
├── UnknownPeerError       no peer of that id is on the list
├── PeerUnavailableError   it does not answer, or lately did not
├── PeerQueueFullError     too many messages wait for it
├── DeliveryTimeoutError   it did not take the message in time; it may have got it
├── PeerRefusedError       it answered, and said no
└── MessageRefusedError    raised by a handler of ours: the message is wrong, and its sender is told why
"""

from __future__ import annotations

from noderr.core.errors import CoreError

_DETAIL_LETTERS = 512


class PeerError(CoreError):
    """Any error of node to node."""


class PeerListError(PeerError):
    """The peer list cannot be."""


class UnknownPeerError(PeerError):
    """No peer of that id is on the list."""


class PeerUnavailableError(PeerError):
    """The peer does not answer; nothing was sent, or nobody knows whether it arrived."""


class PeerQueueFullError(PeerError):
    """Too many messages wait for the peer; this one was not queued."""


class DeliveryTimeoutError(PeerError):
    """The peer did not take the message in time. It may have got it: send only what may arrive twice again."""


class PeerRefusedError(PeerError):
    """The peer answered and said no; `code` is gRPC's word for it. What else it says may be long, and is cut."""

    def __init__(self, peer: str, code: str, detail: str) -> None:
        self.code = code
        super().__init__(f"peer {peer} refuses: {code}: {detail[:_DETAIL_LETTERS]}")


class MessageRefusedError(PeerError):
    """A handler does not take a message; the text is told to the peer that sent it."""
