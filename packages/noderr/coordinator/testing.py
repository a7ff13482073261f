"""What the tests of the coordinator share: nodes that sign what they say."""

from __future__ import annotations

from dataclasses import dataclass, field

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from google.protobuf.message import Message

from noderr.core.identity import NodeIdentity
from noderr.types.signing.messages import sign_message
from noderr.types.wire.telemetry_pb2 import Batch, Heartbeat, NodeEvent, PeersRequest, Record, Signed

NOW_NS = 1_800_000_000_000_000_000
SECOND_NS = 1_000_000_000
KINDS = {"heartbeat": "heartbeat", "telemetry": "telemetry batch", "peers": "peers request"}


@dataclass(frozen=True)
class ExampleNode:
    """A node with a key that follows from its number."""

    number: int
    tier: str = "oracle"
    identity: NodeIdentity = field(init=False)

    def __post_init__(self) -> None:
        key = Ed25519PrivateKey.from_private_bytes(self.number.to_bytes(32, "big"))
        object.__setattr__(self, "identity", NodeIdentity.of(key))

    @property
    def node_id(self) -> str:
        return self.identity.node_id

    @property
    def public_key(self) -> bytes:
        return self.identity.public_key

    def body(self, path: str, message: Message) -> bytes:
        """The body of a request to `/v1/<path>`."""
        return sign_message(KINDS[path], message, self.identity.private_key).SerializeToString()

    def raw_body(self, path: str, payload: bytes) -> bytes:
        """As `body`, for a payload that may be no message; the signed bytes are put together as the README says."""
        signed = f"noderr {KINDS[path]} v1".encode() + b"\0" + bytes(4) + payload
        signature = self.identity.private_key.sign(signed)
        return Signed(public_key=self.public_key, payload=payload, signature=signature).SerializeToString()

    def heartbeat(self, sequence: int, *, at_ns: int = NOW_NS, address: str = "", version: str = "1.2.3") -> Heartbeat:
        return Heartbeat(
            sequence=sequence,
            sent_at_unix_ns=at_ns,
            tier=self.tier,
            version=version,
            started_at_unix_ns=at_ns - SECOND_NS,
            alive=True,
            address=address,
        )


def record(sequence: int, text: str = "") -> Record:
    event = NodeEvent(name="tested", fields={"text": text or f"record {sequence}"})
    return Record(sequence=sequence, at_unix_ns=NOW_NS, node_event=event)


def batch(*records: Record, at_ns: int = NOW_NS) -> Batch:
    return Batch(records=records, sent_at_unix_ns=at_ns)


def peers_request(at_ns: int = NOW_NS) -> PeersRequest:
    return PeersRequest(sent_at_unix_ns=at_ns)
