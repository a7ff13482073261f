"""Digests equal those of eth-account for types and values that nobody chose."""

from __future__ import annotations

from typing import Any

from eth_account import Account
from eth_account.messages import encode_typed_data
from hypothesis import given, settings
from hypothesis import strategies as st

from noderr.types.eip712 import Domain, parse_struct_type, typed_data_digest
from noderr.types.keccak import keccak256

_BITS = st.integers(1, 32).map(lambda eighth: 8 * eighth)


def _kinds() -> st.SearchStrategy[str]:
    atomic = st.one_of(
        _BITS.map("uint{}".format),
        _BITS.map("int{}".format),
        st.integers(1, 32).map("bytes{}".format),
        st.sampled_from(["bool", "address", "string", "bytes", "Inner"]),
    )
    return st.tuples(atomic, st.sampled_from(["", "", "[]", "[2]", "[][]"])).map("".join)


def _value(draw: st.DrawFn, kind: str, inner: dict[str, str]) -> Any:
    if kind.endswith("]"):
        base, _, size = kind[:-1].rpartition("[")
        length = int(size) if size else draw(st.integers(0, 3))
        # eth-account cannot encode a nested array that is empty.
        length = max(length, 1) if "[" in base else length
        return [_value(draw, base, inner) for _ in range(length)]
    if kind == "Inner":
        return {member: _value(draw, of, {}) for member, of in inner.items()}
    if kind == "bool":
        return draw(st.booleans())
    if kind == "string":
        return draw(st.text(max_size=20))
    if kind == "address":
        return draw(st.binary(min_size=20, max_size=20))
    if kind.startswith("bytes"):
        fixed = int(kind.removeprefix("bytes") or 0)
        return draw(st.binary(min_size=fixed, max_size=fixed or 40))
    bits = int(kind.removeprefix("u")[3:])
    return draw(st.integers(0, 2**bits - 1) if kind[0] == "u" else st.integers(-(2 ** (bits - 1)), 2 ** (bits - 1) - 1))


@st.composite
def _typed_data(draw: st.DrawFn) -> tuple[str, dict[str, str], dict[str, str], dict[str, Any]]:
    inner = {
        f"i{n}": kind for n, kind in enumerate(draw(st.lists(_kinds().filter(lambda k: "Inner" not in k), max_size=3)))
    }
    outer = {f"m{n}": kind for n, kind in enumerate(draw(st.lists(_kinds(), min_size=1, max_size=5)))}
    text = f"Outer({_joined(outer)})" + (f"Inner({_joined(inner)})" if "Inner" in _joined(outer) else "")
    return text, inner, outer, {member: _value(draw, kind, inner) for member, kind in outer.items()}


def _joined(members: dict[str, str]) -> str:
    return ",".join(f"{kind} {member}" for member, kind in members.items())


@settings(max_examples=300)
@given(_typed_data(), st.integers(0, 2**256 - 1), st.text(max_size=10), st.binary(min_size=20, max_size=20))
def test_digests_equal_those_of_eth_account(
    data: tuple[str, dict[str, str], dict[str, str], dict[str, Any]], chain_id: int, name: str, contract: bytes
) -> None:
    text, inner, outer, message = data
    described = {"Outer": _as_json(outer)} | ({"Inner": _as_json(inner)} if "Inner" in text else {})
    theirs = encode_typed_data(
        {"name": name, "version": "1", "chainId": chain_id, "verifyingContract": "0x" + contract.hex()},
        described,
        message,
    )
    digest = typed_data_digest(Domain(name, "1", chain_id, contract), parse_struct_type(text), message)
    assert digest == keccak256(b"\x19" + theirs.version + theirs.header + theirs.body)
    assert Account.recover_message(theirs, signature=Account.from_key(b"\1" * 32).unsafe_sign_hash(digest).signature)


def _as_json(members: dict[str, str]) -> list[dict[str, str]]:
    return [{"name": member, "type": kind} for member, kind in members.items()]
