"""drand's quicknet: a value every three seconds, signed by a threshold of a group that no single party controls.

Its scheme is bls-unchained-g1-rfc9380: the signature is a point of G1 of BLS12-381 over SHA-256 of the round's number
(8 bytes, big-endian), hashed to the curve as RFC 9380 says, and the randomness is SHA-256 of the signature. A round
has only one signature, so that not even the group can choose it. See docs.drand.love and docs.rs/drand-verify.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property

from py_arkworks_bls12381 import GT, G1Point, G2Point

from noderr.oracle_consensus.errors import FalseRandomnessError

_HASH_TO_CURVE = b"BLS_SIG_BLS12381G1_XMD:SHA-256_SSWU_RO_NUL_"
_SIGNATURE_BYTES = 48
_MAX_ROUND = (1 << 64) - 1


@dataclass(frozen=True)
class Beacon:
    """A drand network. `chain_hash` and `public_key` (a point of G2, 96 bytes) name it; times are Unix seconds."""

    chain_hash: bytes
    public_key: bytes
    genesis_s: int
    period_s: int

    def round_from(self, time_s: int) -> int:
        """The first round that is published at `time_s` or later: nobody knows it before."""
        return max(0, -(-(time_s - self.genesis_s) // self.period_s)) + 1

    def published_at_s(self, round: int) -> int:
        """When the group publishes a round. The first is 1."""
        return self.genesis_s + (round - 1) * self.period_s

    def randomness(self, round: int, signature: bytes) -> bytes:
        """The round's 32 random bytes, once its signature is verified. Raises `FalseRandomnessError`."""
        if not 1 <= round <= _MAX_ROUND or len(signature) != _SIGNATURE_BYTES:
            raise FalseRandomnessError(
                f"drand round {round} has a signature of {len(signature)} bytes: rounds count from 1, "
                f"signatures have {_SIGNATURE_BYTES}"
            )
        message = hashlib.sha256(round.to_bytes(8, "big")).digest()
        try:
            point = G1Point.from_compressed_bytes(signature)  # Also checks that it is in the right subgroup.
        except ValueError as error:
            raise FalseRandomnessError(f"the signature of drand round {round} is no point of G1: {error}") from error
        hashed = G1Point.hash_to_curve(message, _HASH_TO_CURVE)
        # e(signature, generator) = e(H(message), key), as one product of pairings.
        if not GT.pairing_check([point, -hashed], [G2Point(), self._key]):
            raise FalseRandomnessError(
                f"the signature of drand round {round} does not verify: it is of another round or network, or forged"
            )
        return hashlib.sha256(signature).digest()

    @cached_property
    def _key(self) -> G2Point:
        return G2Point.from_compressed_bytes(self.public_key)


QUICKNET = Beacon(
    chain_hash=bytes.fromhex("52db9ba70e0cc0f6eaf7803dd07447a1f5477735fd3f661792ba94600c84e971"),
    public_key=bytes.fromhex(
        "83cf0f2896adee7eb8b5f01fcad3912212c437e0073e911fb90022d3e760183c8c4b450b6a0a6c3ac6a5776a2d1064510d1fec758c921cc2"
        "2b0e17e63aaf4bcb5ed66304de9cf809bd274ca73bab4af5a6e9c76a4bc09e76eae8991ef5ece45a"
    ),
    genesis_s=1_692_803_367,
    period_s=3,
)
