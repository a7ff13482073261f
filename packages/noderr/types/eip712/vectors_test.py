"""The example of EIP-712 itself (https://eips.ethereum.org/EIPS/eip-712, Example.js), value for value."""

from __future__ import annotations

import pytest

from noderr.types.eip712 import Domain, TypedDataError, TypeStringError, parse_struct_type, typed_data_digest
from noderr.types.keccak import keccak256
from noderr.types.signing.account_key import AccountKey, recover_address

MAIL = parse_struct_type("Mail(Person from,Person to,string contents)Person(string name,address wallet)")
COW = {"name": "Cow", "wallet": bytes.fromhex("CD2a3d9F938E13CD947Ec05AbC7FE734Df8DD826")}
BOB = {"name": "Bob", "wallet": bytes.fromhex("bBbBBBBbbBBBbbbBbbBbbbbBBbBbbbbBbBbbBBbB")}
MESSAGE = {"from": COW, "to": BOB, "contents": "Hello, Bob!"}
DOMAIN = Domain("Ether Mail", "1", 1, bytes.fromhex("CcCCccccCCCCcCCCCCCcCcCccCcCCCcCcccccccC"))


def test_mail_type_hash() -> None:
    assert MAIL.type_hash.hex() == "a0cedeb2dc280ba39b857546d74f5549c3a1d7bdc2dd96bf881f76108e23dac2"


def test_mail_struct_hash() -> None:
    assert MAIL.hash_struct(MESSAGE).hex() == "c52c0ee5d84264471806290a3f2c4cecfc5490626bf912d01f240d7a274b371e"


def test_mail_domain_separator() -> None:
    assert DOMAIN.separator.hex() == "f2cee375fa42b42143804025fc449deafd50cc031ca257e0b194a650a912090f"


def test_mail_digest_and_signature() -> None:
    digest = typed_data_digest(DOMAIN, MAIL, MESSAGE)
    assert digest.hex() == "be609aee343fb3c4b28e1df9e632fca64fcfaede20f02e86244efddf30957bd2"
    key = AccountKey(keccak256(b"cow"))
    signature = key.sign(digest)
    assert signature.hex() == (
        "4355c47d63924e8a72e509b65029052eb6c299d53a04e167c5775fd466751c9d"
        "07299936d304c153f6443dfa05f40ff007d72911b6f72307f996231605b915621c"
    )
    assert key.address == recover_address(digest, signature) == COW["wallet"]


def test_keccak_of_nothing_is_the_published_value() -> None:
    assert keccak256(b"").hex() == "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "is no struct type"),
        ("Mail", "is no struct type"),
        ("Mail(string)", "is no member"),
        ("Mail(string a, string b)", "is no member"),
        ("Mail(string a,uint8 a)", "twice"),
        ("Mail(Person to)", "neither atomic nor described"),
        ("Mail(string a)Person(string b)", "must be 'Mail"),
        ("Mail(B b,A a)B(bool b)A(bool a)", "sorted"),
        ("Mail(Mail next)", "contains itself"),
        ("Mail(Mail[] next)", "contains itself"),
        ("Mail(uint7 a)", "8, 16, … 256 bits"),
        ("Mail(uint264 a)", "8, 16, … 256 bits"),
        ("Mail(bytes33 a)", "1 to 32"),
    ],
)
def test_a_wrong_type_is_refused(text: str, reason: str) -> None:
    with pytest.raises(TypeStringError, match=reason):
        parse_struct_type(text)


@pytest.mark.parametrize(
    ("kind", "value", "reason"),
    [
        ("uint8", 256, r"One.a is 256: it must be an int that uint8 holds, 0 to 255"),
        ("uint8", -1, "0 to 255"),
        ("uint8", True, "True"),
        ("int8", 128, "-128 to 127"),
        ("int256", 1 << 255, "holds"),
        ("uint256", 1.0, "an int"),
        ("bool", 1, "True or False"),
        ("address", b"\0" * 19, "20 bytes"),
        ("address", "0x" + "0" * 40, "20 bytes"),
        ("bytes4", b"\0" * 5, "4 bytes"),
        ("bytes", "text", "bytes"),
        ("string", b"bytes", "text"),
        ("string", "\ud800", "lone surrogates"),
        ("uint8[]", "12", "a list or tuple"),
        ("uint8[2]", [1], "a list or tuple"),
        ("uint8[]", [1, 300], r"One.a\[1\] is 300"),
    ],
)
def test_a_value_of_another_type_is_refused(kind: str, value: object, reason: str) -> None:
    with pytest.raises(TypedDataError, match=reason):
        parse_struct_type(f"One({kind} a)").hash_struct({"a": value})


@pytest.mark.parametrize("value", [{}, {"a": 1, "b": 2}, {"b": 1}])
def test_members_missing_or_too_many_are_refused(value: dict[str, object]) -> None:
    with pytest.raises(TypedDataError, match="just the members a"):
        parse_struct_type("One(uint8 a)").hash_struct(value)


def test_an_error_names_the_path_into_nested_structs() -> None:
    broken = {**MESSAGE, "to": {"name": "Bob", "wallet": b""}}
    with pytest.raises(TypedDataError, match=r"Mail\.to\.wallet is b'': it must be 20 bytes") as caught:
        MAIL.hash_struct(broken)
    assert caught.value.member == "Mail.to.wallet"
