"""Signed protobuf messages: what nodes and the coordinator send each other.

The signature covers a domain word, the length and bytes of a context, and the payload. The domain keeps a signature
made for one purpose from being used for another; the context ties a reply to its request.
"""

from __future__ import annotations

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from google.protobuf.message import DecodeError, Message

from noderr.types.signing.errors import PayloadError, SignatureError
from noderr.types.signing.node_key import PUBLIC_KEY_BYTES
from noderr.types.wire.telemetry_pb2 import Signed

_SIGNATURE_BYTES = 64


def sign_message(purpose: str, message: Message, key: Ed25519PrivateKey, *, context: bytes = b"") -> Signed:
    """`message` signed for `purpose` ("heartbeat", "heartbeat reply", …)."""
    payload = message.SerializeToString(deterministic=True)
    signature = key.sign(_signed_bytes(purpose, context, payload))
    return Signed(public_key=key.public_key().public_bytes_raw(), payload=payload, signature=signature)


def parse_signed(body: bytes) -> Signed:
    """The envelope in `body`, its signature unchecked. Raises `SignatureError` when it is none."""
    try:
        signed = Signed.FromString(body)
    except DecodeError as error:
        raise SignatureError(f"the {len(body)} bytes are no signed message: send a serialised Signed") from error
    for name, found, wanted in (
        ("public_key", signed.public_key, PUBLIC_KEY_BYTES),
        ("signature", signed.signature, _SIGNATURE_BYTES),
    ):
        if len(found) != wanted:
            raise SignatureError(f"{name} has {len(found)} bytes: it must have {wanted}")
    return signed


def open_message[M: Message](purpose: str, signed: Signed, kind: type[M], *, context: bytes = b"") -> M:
    """The message inside, once its signature is checked. Raises `SignatureError`, also a `PayloadError`."""
    try:
        Ed25519PublicKey.from_public_bytes(signed.public_key).verify(
            signed.signature, _signed_bytes(purpose, context, signed.payload)
        )
    except (InvalidSignature, ValueError) as error:
        raise SignatureError(
            f"the key {signed.public_key.hex()} did not sign this {purpose}: sign the payload as sent, with that key"
        ) from error
    try:
        return kind.FromString(signed.payload)
    except DecodeError as error:
        raise PayloadError(f"the signed payload is no {kind.__name__}") from error


def _signed_bytes(purpose: str, context: bytes, payload: bytes) -> bytes:
    return f"noderr {purpose} v1".encode() + b"\0" + len(context).to_bytes(4, "big") + context + payload
