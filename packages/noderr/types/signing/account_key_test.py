"""Account keys against what others published: the addresses of EIP-55, and the signatures of eth-account."""

from __future__ import annotations

import pytest
from eth_account import Account
from hypothesis import given
from hypothesis import strategies as st

from noderr.types.signing.account_key import AccountKey, checksum_address, parse_address, recover_address
from noderr.types.signing.errors import AccountKeyError, AddressError, SignatureError

ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141

# The test cases of EIP-55.
EIP_55 = [
    "0x52908400098527886E0F7030069857D2E4169EE7",
    "0x8617E340B3D01FA5F11F306F4090FD50E238070D",
    "0xde709f2102306220921060314715629080e2fb77",
    "0x27b1fdb04752bbc536007a920d24acb045561c26",
    "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
    "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359",
    "0xdbF03B407c01E7cD3CBea99509d93f8DDDC8C6FB",
    "0xD1220A0cf47c7B9Be7A2E6BA89F429762e7b9aDb",
]


@pytest.mark.parametrize("text", EIP_55)
def test_eip_55_addresses(text: str) -> None:
    assert checksum_address(parse_address(text)) == text


@pytest.mark.parametrize(
    "text", ["", "0x", "52908400098527886E0F7030069857D2E4169EE7", "0x" + "g" * 40, "0x" + "0" * 39]
)
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(AddressError, match="40 hexadecimal digits"):
        parse_address(text)


def test_a_typing_error_is_found_by_the_checksum() -> None:
    with pytest.raises(AddressError, match="typing error"):
        parse_address("0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAeD")


@given(st.integers(1, ORDER - 1), st.binary(min_size=32, max_size=32))
def test_signatures_and_addresses_are_those_of_eth_account(secret: int, digest: bytes) -> None:
    raw = secret.to_bytes(32, "big")
    key, theirs = AccountKey(raw), Account.from_key(raw)
    assert checksum_address(key.address) == theirs.address
    assert key.sign(digest) == theirs.unsafe_sign_hash(digest).signature
    assert recover_address(digest, key.sign(digest)) == key.address


@pytest.mark.parametrize("secret", [b"", b"\0" * 32, b"\1" * 31, ORDER.to_bytes(32, "big"), b"\xff" * 32])
def test_a_secret_that_is_none_is_refused_and_not_shown(secret: bytes) -> None:
    with pytest.raises(AccountKeyError) as caught:
        AccountKey(secret)
    assert not secret or secret.hex() not in str(caught.value)


def test_the_other_half_of_a_signature_is_refused() -> None:
    digest = b"\7" * 32
    signature = AccountKey(b"\1" * 32).sign(digest)
    high = ORDER - int.from_bytes(signature[32:64], "big")
    malleated = signature[:32] + high.to_bytes(32, "big") + bytes([55 - signature[64]])
    with pytest.raises(SignatureError, match="EIP-2"):
        recover_address(digest, malleated)


@pytest.mark.parametrize(
    "signature", [b"", b"\1" * 64, b"\1" * 64 + b"\0", b"\0" * 64 + b"\x1b", b"\xff" * 32 + b"\1" * 32 + b"\x1b"]
)
def test_garbage_is_no_signature(signature: bytes) -> None:
    with pytest.raises(SignatureError):
        recover_address(b"\7" * 32, signature)


def test_a_digest_has_32_bytes() -> None:
    with pytest.raises(SignatureError, match="32"):
        AccountKey(b"\1" * 32).sign(b"short")


def test_the_secret_is_not_in_the_repr() -> None:
    assert repr(AccountKey(b"\1" * 32)) == "AccountKey(0x1a642f0E3c3aF545E7AcBD38b07251B3990914F1)"
