"""Node to node: gRPC over mutual TLS by node keys.

A stranger cannot even speak HTTP/2 to a node: the handshake shows both keys, and only those of the peer list get in.
"""

from noderr.core.peers.certificates import CallerError
from noderr.core.peers.credentials import MAX_MESSAGE_BYTES, NodeCredentials, blocking_channel, peer_channel
from noderr.core.peers.errors import (
    DeliveryTimeoutError,
    MessageRefusedError,
    PeerError,
    PeerListError,
    PeerQueueFullError,
    PeerRefusedError,
    PeerUnavailableError,
    UnknownPeerError,
)
from noderr.core.peers.incoming import Handler
from noderr.core.peers.peer_network import PeerNetwork

__all__ = [
    "MAX_MESSAGE_BYTES",
    "CallerError",
    "DeliveryTimeoutError",
    "Handler",
    "MessageRefusedError",
    "NodeCredentials",
    "PeerError",
    "PeerListError",
    "PeerNetwork",
    "PeerQueueFullError",
    "PeerRefusedError",
    "PeerUnavailableError",
    "UnknownPeerError",
    "blocking_channel",
    "peer_channel",
]
