"""Keccak-256 as Ethereum uses it: the padding from before SHA-3 was standardised, so `hashlib.sha3_256` is another."""

from __future__ import annotations

from Crypto.Hash import keccak


def keccak256(data: bytes) -> bytes:
    """The 32 bytes of Keccak-256 over `data`."""
    return keccak.new(digest_bits=256, data=data).digest()
