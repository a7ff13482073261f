"""What nodes say to the coordinator, answered: limits, signature, clock, store, and a signed reply."""

from __future__ import annotations

import math
import threading
from datetime import UTC, datetime
from typing import NamedTuple

from google.protobuf.message import Message

from noderr.coordinator.errors import Refusal
from noderr.coordinator.node_store import NodeStore
from noderr.coordinator.record_store import RecordStore
from noderr.core.identity import NodeIdentity
from noderr.core.rate_limiter import KeyedRateLimiter
from noderr.types.signing.errors import PayloadError, SignatureError
from noderr.types.signing.messages import open_message, parse_signed, sign_message
from noderr.types.signing.node_key import node_id
from noderr.types.wire.telemetry_pb2 import (
    Batch,
    BatchReply,
    Heartbeat,
    HeartbeatReply,
    PeersReply,
    PeersRequest,
    Signed,
)
from noderr.utils import Clock

CLOCK_LIMIT_SECONDS = 300
_SECOND_NS = 1_000_000_000
# Signatures cost processor time, so an address is limited before its messages are looked at. Many nodes may share one.
_ADDRESS_RATE, _ADDRESS_BURST, _ADDRESSES = 500.0, 2000.0, 10_000
# A key is limited once it has shown that it is its own: nobody else can use up a node's share.
_NODE_RATE, _NODE_BURST, _NODES = 20.0, 100.0, 10_000


class Answer(NamedTuple):
    """What a request led to: the body of the signed reply, and how many telemetry records it brought that were new."""

    body: bytes
    new_records: int = 0
    duplicate: bool = False


class NodeProtocol:
    """Takes a request's body, gives the answer. All but `admit` block, may be called from any thread, and raise
    `Refusal` or `StoreUnavailableError`.
    """

    def __init__(
        self, nodes: NodeStore, records: RecordStore, identity: NodeIdentity, clock: Clock, *, heartbeat_seconds: int
    ) -> None:
        self._store = nodes
        self._records = records
        self._identity = identity
        self._clock = clock
        self._heartbeat_seconds = heartbeat_seconds
        self._addresses = KeyedRateLimiter(_ADDRESS_RATE, _ADDRESS_BURST, _ADDRESSES, clock)
        self._nodes = KeyedRateLimiter(_NODE_RATE, _NODE_BURST, _NODES, clock)
        self._nodes_lock = threading.Lock()

    def admit(self, remote: str) -> None:
        """Count one message from this network address. Refuses `too-many`. Does not block."""
        _limit(self._addresses, remote)

    def heartbeat(self, body: bytes) -> Answer:
        signature, sender, message, now_ns = self._open("heartbeat", body, Heartbeat)
        desired = self._store.heartbeat(sender, message, now_ns)
        reply = HeartbeatReply(
            received_at_unix_ns=now_ns, desired_version=desired, next_heartbeat_seconds=self._heartbeat_seconds
        )
        return Answer(self._sign("heartbeat reply", reply, signature))

    def telemetry(self, body: bytes) -> Answer:
        signature, sender, message, now_ns = self._open("telemetry batch", body, Batch)
        taken = self._records.take(sender, message, now_ns)
        reply = BatchReply(accepted_sequence=taken.accepted_sequence, new_records=taken.new_records)
        signed = self._sign("telemetry reply", reply, signature)
        return Answer(signed, taken.new_records, duplicate=taken.new_records == 0)

    def peers(self, body: bytes) -> Answer:
        signature, sender, _, now_ns = self._open("peers request", body, PeersRequest)
        return Answer(self._sign("peers reply", PeersReply(peers=self._store.peers_of(sender, now_ns)), signature))

    def _open[M: (Heartbeat, Batch, PeersRequest)](
        self, purpose: str, body: bytes, kind: type[M]
    ) -> tuple[bytes, str, M, int]:
        """The request's signature, its sender's node id, the message, and the time."""
        signed = _parse(body)
        try:
            message = open_message(purpose, signed, kind)
        except PayloadError as error:
            raise Refusal(400, "malformed", str(error)) from error
        except SignatureError as error:
            raise Refusal(401, "bad-signature", str(error)) from error
        sender = node_id(signed.public_key)
        with self._nodes_lock:
            _limit(self._nodes, sender)
        now_ns = self._clock.now_ns()
        _check_clock(message.sent_at_unix_ns, now_ns)
        return signed.signature, sender, message, now_ns

    def _sign(self, purpose: str, reply: Message, signature: bytes) -> bytes:
        return sign_message(purpose, reply, self._identity.private_key, context=signature).SerializeToString()


def _parse(body: bytes) -> Signed:
    try:
        return parse_signed(body)
    except SignatureError as error:
        raise Refusal(400, "malformed", str(error)) from error


def _limit(limiter: KeyedRateLimiter, key: str) -> None:
    if not limiter.try_take(key):
        seconds = max(1, math.ceil(limiter.seconds_until(key)))
        raise Refusal(429, "too-many", f"too many messages from {key}: wait {seconds} s", retry_seconds=seconds)


def _check_clock(sent_ns: int, now_ns: int) -> None:
    off_seconds = (sent_ns - now_ns) / _SECOND_NS
    if abs(off_seconds) > CLOCK_LIMIT_SECONDS:
        raise Refusal(
            400,
            "clock-skew",
            f"the message is of {_time(sent_ns)}, and here it is {_time(now_ns)}: the node's clock is off by "
            f"{off_seconds:+.0f} s, and {CLOCK_LIMIT_SECONDS} s are allowed; synchronise it (NTP)",
        )


def _time(at_ns: int) -> str:
    # A node may say anything, also what no calendar has.
    try:
        return f"{datetime.fromtimestamp(at_ns / _SECOND_NS, UTC):%Y-%m-%d %H:%M:%S} UTC"
    except (ValueError, OverflowError, OSError):
        return f"{at_ns} ns"
