"""Keccak-256 as Ethereum uses it: the padding from before SHA-3 was standardised, so `hashlib.sha3_256` is another."""

from __future__ import annotations

import sha3  # type: ignore[import-untyped]  # It ships no types.


def keccak256(data: bytes) -> bytes:
    """The 32 bytes of Keccak-256 over `data`."""
    digest: bytes = sha3.keccak_256(data).digest()
    return digest
