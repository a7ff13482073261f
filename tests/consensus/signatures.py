"""Signatures of the simulation: as hard to forge as real ones, because only the holder of the secret can make one.

They cost a tenth of secp256k1, so that many schedules can be run. Real signatures are tested where no schedule is.
"""

from __future__ import annotations

import hashlib
from functools import lru_cache

from noderr.types.signing.errors import SignatureError


class SimulatedKey:
    """Signs with a message authentication code; the address is the key's number."""

    def __init__(self, number: int) -> None:
        self.address = number.to_bytes(20, "big")

    def sign(self, digest: bytes) -> bytes:
        return self.address + _code(self.address, digest) + bytes(13)


class SimulatedSignatures:
    """Finds signers, and remembers what it has found, as voters of one process may."""

    def __init__(self) -> None:
        self._found: dict[tuple[bytes, bytes], bytes] = {}

    def recover(self, digest: bytes, signature: bytes) -> bytes:
        known = self._found.get((digest, signature))
        if known is not None:
            return known
        address = signature[:20]
        if len(signature) != 65 or signature[20:52] != _code(address, digest):
            raise SignatureError("nobody made this signature")
        self._found[digest, signature] = address
        return address


@lru_cache(maxsize=256)
def _code(address: bytes, digest: bytes) -> bytes:
    return hashlib.blake2b(digest, digest_size=32, key=b"secret of " + address).digest()
