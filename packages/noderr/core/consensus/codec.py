"""Bytes from and for the wire. What is not understood is refused before a machine sees it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from google.protobuf.message import DecodeError

from noderr.core.consensus.actions import Payload
from noderr.types.consensus import Certificate, ProtocolMessage, Reason, RefusedMessage, Signed, Vote
from noderr.types.consensus.on_wire import certificate_from_wire, certificate_to_wire, vote_from_wire, vote_to_wire
from noderr.types.eip712 import Domain
from noderr.types.wire import consensus_pb2 as pb

MAX_BUNDLE_BYTES = 512 * 1024
MAX_MESSAGES = 256
# What a message takes besides itself at most, and what is left for messages beside chain and contract.
_FRAME_BYTES = 6
_ROOM_BYTES = MAX_BUNDLE_BYTES - 64


def _no_more_to_wire(signed: Signed[ProtocolMessage]) -> pb.VoterMessage:
    raise TypeError(f"{type(signed.message).__name__} is no message of this protocol")


def _no_more_from_wire(message: pb.VoterMessage) -> Signed[ProtocolMessage]:
    raise RefusedMessage(Reason.MALFORMED, f"{message.WhichOneof('body') or 'nothing'} is no message of this protocol")


@dataclass(frozen=True, slots=True)
class Codec:
    """Votes and certificates are every protocol's; `to_wire` and `from_wire` are for what it has besides."""

    domain: Domain
    to_wire: Callable[[Signed[ProtocolMessage]], pb.VoterMessage] = _no_more_to_wire
    from_wire: Callable[[pb.VoterMessage], Signed[ProtocolMessage]] = _no_more_from_wire

    def encode(self, payloads: Sequence[Payload]) -> bytes:
        """One bundle."""
        bundle = self._empty()
        bundle.messages.extend(map(self._encode, payloads))
        return bundle.SerializeToString()

    def bundles(self, payloads: Iterable[Payload]) -> Iterator[bytes | RefusedMessage]:
        """As few bundles as may be, none larger than others take. A payload too large for any is refused by itself."""
        bundle, size = self._empty(), 0
        for message in map(self._encode, payloads):
            length = message.ByteSize() + _FRAME_BYTES
            if length > _ROOM_BYTES:
                what = f"a {message.WhichOneof('body')} of {length} bytes: no voter takes a bundle of it"
                yield RefusedMessage(Reason.OVERSIZED, what)
                continue
            if bundle.messages and (len(bundle.messages) == MAX_MESSAGES or size + length > _ROOM_BYTES):
                yield bundle.SerializeToString()
                bundle, size = self._empty(), 0
            bundle.messages.append(message)
            size += length
        if bundle.messages:
            yield bundle.SerializeToString()

    def decode(self, content: bytes) -> Iterator[Payload | RefusedMessage]:
        """What is in a bundle, each by itself. Raises `RefusedMessage` for a bundle that is none of ours."""
        if len(content) > MAX_BUNDLE_BYTES:
            raise RefusedMessage(Reason.OVERSIZED, f"a bundle of {len(content)} bytes: at most {MAX_BUNDLE_BYTES}")
        try:
            bundle = pb.Bundle.FromString(content)
        except DecodeError as error:
            raise RefusedMessage(Reason.MALFORMED, f"the {len(content)} bytes are no bundle") from error
        if (bundle.chain_id, bundle.verifying_contract) != (self.domain.chain_id, self.domain.verifying_contract):
            raise RefusedMessage(
                Reason.WRONG_CHAIN,
                f"it is for chain {bundle.chain_id} and contract 0x{bundle.verifying_contract.hex()[:40]}, "
                f"this voter is on chain {self.domain.chain_id}",
            )
        if len(bundle.messages) > MAX_MESSAGES:
            raise RefusedMessage(Reason.OVERSIZED, f"a bundle of {len(bundle.messages)}: at most {MAX_MESSAGES}")
        for message in bundle.messages:
            try:
                yield self._decode(message)
            except RefusedMessage as refused:
                yield refused

    def _empty(self) -> pb.Bundle:
        return pb.Bundle(chain_id=self.domain.chain_id, verifying_contract=self.domain.verifying_contract)

    def _encode(self, payload: Payload) -> pb.VoterMessage:
        if isinstance(payload, Certificate):
            return pb.VoterMessage(certificate=certificate_to_wire(payload))
        if isinstance(payload.message, Vote):
            return vote_to_wire(payload)  # type: ignore[arg-type]  # mypy does not narrow the parameter of Signed.
        return self.to_wire(payload)

    def _decode(self, message: pb.VoterMessage) -> Payload:
        match message.WhichOneof("body"):
            case "certificate":
                return certificate_from_wire(message.certificate)
            case "vote":
                return vote_from_wire(message)
        return self.from_wire(message)
