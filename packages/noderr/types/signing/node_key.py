"""A node's public key, and the id that follows from it."""

from __future__ import annotations

import hashlib

from noderr.types.signing.errors import PublicKeyError

PUBLIC_KEY_BYTES = 32
_ID_DOMAIN = b"noderr node id v1\0"
_ID_BYTES = 20


def node_id(public_key: bytes) -> str:
    """The id of the node with this raw Ed25519 public key: 40 hexadecimal digits.

    The first 20 bytes of SHA-256 over a domain word and the key, so that it is no other hash of the same key.
    """
    return hashlib.sha256(_ID_DOMAIN + public_key).digest()[:_ID_BYTES].hex()


def parse_public_key(text: str) -> bytes:
    """The raw key that `text`, 64 hexadecimal digits, stands for. Raises `PublicKeyError`."""
    if len(text) != 2 * PUBLIC_KEY_BYTES or not set(text) <= set("0123456789abcdefABCDEF"):
        raise PublicKeyError(f"{text!r} is no public key of a node: it has {2 * PUBLIC_KEY_BYTES} hexadecimal digits")
    return bytes.fromhex(text)
