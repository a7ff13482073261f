"""TLS as gRPC wants it: this node's current leaf, and whom it trusts."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, cast

import grpc

from noderr.core.identity import NodeIdentity
from noderr.core.peers.certificates import CallerError, Leaf, anchor, make_leaf, server_name, signer_of
from noderr.utils import Clock

MAX_MESSAGE_BYTES = 1 << 20
"""The largest message either way: a certificate of hundreds of votes is some 100 kB; more is a mistake or an attack."""
FRAME_MESSAGES = 64
"""So many messages may go together."""

_SECOND_NS = 1_000_000_000
_KNOWN_LEAVES = 1024

# A peer that is gone without a word is noticed within 15 s.
_KEEPALIVE = (
    ("grpc.keepalive_time_ms", 10_000),
    ("grpc.keepalive_timeout_ms", 5_000),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.max_pings_without_data", 0),
)
SERVER_OPTIONS: tuple[tuple[str, Any], ...] = (
    *_KEEPALIVE,
    ("grpc.so_reuseport", 0),
    ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
    ("grpc.max_send_message_length", MAX_MESSAGE_BYTES),
    ("grpc.max_metadata_size", 8_192),
    ("grpc.max_concurrent_streams", 64),
    ("grpc.http2.min_ping_interval_without_data_ms", 5_000),
    ("grpc.http2.min_recv_ping_interval_without_data_ms", 5_000),
    ("grpc.server_handshake_timeout_ms", 5_000),
)
_CHANNEL_OPTIONS: tuple[tuple[str, Any], ...] = (
    *_KEEPALIVE,
    ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
    ("grpc.max_send_message_length", MAX_MESSAGE_BYTES),
    ("grpc.enable_retries", 0),
    # One connection for one link: channels with the same target would share one, and each other's fate.
    ("grpc.use_local_subchannel_pool", 1),
    # Reconnecting is ours: gRPC's own back-off would keep a peer that is back waiting for up to two minutes.
    ("grpc.initial_reconnect_backoff_ms", 200),
    ("grpc.min_reconnect_backoff_ms", 200),
    ("grpc.max_reconnect_backoff_ms", 1_000),
    ("grpc.enable_http_proxy", 0),
)


class NodeCredentials:
    """This node's side of every handshake. Trusted callers are its own key and those of `trust`."""

    def __init__(self, identity: NodeIdentity, clock: Clock) -> None:
        self.identity = identity
        self._clock = clock
        self._leaf = make_leaf(identity, self._now())
        self._trusted: dict[bytes, bytes] = {identity.public_key: anchor(identity.public_key)}
        self._changed = False
        self._signers: OrderedDict[bytes, bytes] = OrderedDict()

    def trust(self, public_keys: Iterable[bytes]) -> None:
        """From now on these nodes, and no others, may call. Raises `PublicKeyError`, and changes nothing then."""
        keys = {self.identity.public_key, *public_keys}
        self._trusted = {key: self._trusted.get(key) or anchor(key) for key in keys}
        self._changed = True

    def trusts(self, public_key: bytes) -> bool:
        return public_key in self._trusted

    def leaf(self) -> Leaf:
        """The current leaf, made anew when that is due."""
        if self._now() >= self._leaf.renew_at:
            self._leaf = make_leaf(self.identity, self._now())
            self._changed = True
        return self._leaf

    def server(self) -> grpc.ServerCredentials:
        """Mutual TLS; asks this object again at each handshake."""
        self._changed = False
        # The stubs do not know that None is an answer too: "as before".
        fetch = cast("Callable[[], grpc.ServerCertificateConfiguration]", self._fetch)
        return grpc.dynamic_ssl_server_credentials(self._configuration(), fetch, True)

    def caller(self, auth_context: Mapping[str, Iterable[bytes]]) -> bytes:
        """The raw public key of the node that calls. Raises `CallerError` for one that is not trusted (any more)."""
        pem = b"".join(auth_context.get("x509_pem_cert", ()))
        public_key = self._signers.get(pem)
        if public_key is None:
            public_key = self._signers[pem] = signer_of(pem)
            if len(self._signers) > _KNOWN_LEAVES:
                self._signers.popitem(last=False)
        if not self.trusts(public_key):
            raise CallerError("this node is not on the peer list")
        return public_key

    def _fetch(self) -> grpc.ServerCertificateConfiguration | None:
        # Called on a thread of gRPC's; `leaf` may renew it there, which harms nobody: a leaf is whole or not there.
        self.leaf()
        if not self._changed:
            return None
        self._changed = False
        return self._configuration()

    def _configuration(self) -> grpc.ServerCertificateConfiguration:
        leaf = self._leaf
        return grpc.ssl_server_certificate_configuration(
            [(leaf.key_pem, leaf.certificate_pem)], root_certificates=b"".join(self._trusted.values())
        )

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._clock.now_ns() / _SECOND_NS, UTC)


def peer_channel(credentials: NodeCredentials, public_key: bytes, address: str) -> grpc.aio.Channel:
    """A channel to the node of `public_key` at `address` (host:port), and to no other: its handshake would fail."""
    tls, options = _client_side(credentials, public_key)
    return grpc.aio.secure_channel(address, tls, options=options)


def blocking_channel(credentials: NodeCredentials, public_key: bytes, address: str) -> grpc.Channel:
    """The same for programs without an event loop."""
    tls, options = _client_side(credentials, public_key)
    return grpc.secure_channel(address, tls, options=options)


def _client_side(
    credentials: NodeCredentials, public_key: bytes
) -> tuple[grpc.ChannelCredentials, list[tuple[str, Any]]]:
    leaf = credentials.leaf()
    tls = grpc.ssl_channel_credentials(anchor(public_key), leaf.key_pem, leaf.certificate_pem)
    return tls, [*_CHANNEL_OPTIONS, ("grpc.ssl_target_name_override", server_name(public_key))]
