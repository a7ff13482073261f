"""Ways to spoil a certificate or a signature."""

from __future__ import annotations

import copy
from typing import Any

from noderr.types.consensus import Certificate
from noderr.types.signing.account_key import SIGNATURE_BYTES

ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
"""Of secp256k1's group."""


def high_s(signature: bytes) -> bytes:
    """The other signature that the curve accepts for the same digest and key: (r, n - s) with the other v."""
    s = ORDER - int.from_bytes(signature[32:64], "big")
    return signature[:32] + s.to_bytes(32, "big") + bytes([55 - signature[64]])


def with_part(certificate: Certificate, index: int, **changes: Any) -> Certificate:
    """With one voter's part changed."""
    parts = list(certificate.signatures)
    parts[index] = copy.replace(parts[index], **changes)
    return copy.replace(certificate, signatures=tuple(parts))


def with_signature(certificate: Certificate, index: int, signature: bytes) -> Certificate:
    """With one voter's signature changed."""
    return with_part(certificate, index, signature=signature)


def spoiled_signatures(signature: bytes, position: int, byte: int, word: bytes) -> list[bytes]:
    """Ways to spoil one: at a position, by a byte, by a word of 32 bytes in the place of r or s."""
    if len(signature) != SIGNATURE_BYTES:
        return [signature + word]
    changed = signature[:position] + bytes([byte]) + signature[position + 1 :]
    ways = [
        changed,
        signature[:position],
        signature + word,
        word + signature[32:],
        signature[:32] + word + signature[64:],
    ]
    ways.append(signature[:64] + bytes([byte]))
    if signature[64] in (27, 28) and 0 < int.from_bytes(signature[32:64], "big") < ORDER:
        ways.append(high_s(signature))
    return ways
