"""The simulation's signatures are as hard to forge as it assumes."""

from __future__ import annotations

import pytest

from noderr.types.signing.errors import SignatureError
from tests.consensus.signatures import SimulatedKey, SimulatedSignatures

DIGEST = b"\1" * 32


def test_the_signer_is_found() -> None:
    key, signatures = SimulatedKey(7), SimulatedSignatures()
    for _ in range(2):
        assert signatures.recover(DIGEST, key.sign(DIGEST)) == key.address


@pytest.mark.parametrize("byte", [0, 19, 20, 51])
def test_a_changed_signature_is_none(byte: int) -> None:
    signature = bytearray(SimulatedKey(7).sign(DIGEST))
    signature[byte] ^= 1
    with pytest.raises(SignatureError):
        SimulatedSignatures().recover(DIGEST, bytes(signature))


def test_a_signature_is_of_one_digest() -> None:
    with pytest.raises(SignatureError):
        SimulatedSignatures().recover(b"\2" * 32, SimulatedKey(7).sign(DIGEST))
