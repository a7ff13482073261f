"""EIP-712 struct types, written as the standard writes them: `Mail(Person to,string text)Person(address wallet)`.

The same text stands in a Solidity contract as the constant whose Keccak-256 is the type hash.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from noderr.types.eip712.errors import TypedDataError, TypeStringError, UnencodableError
from noderr.types.eip712.member_type import EncodeMember, encoder
from noderr.types.keccak import keccak256

_NAME = r"[A-Za-z_$][A-Za-z0-9_$]*"
_STRUCT = re.compile(rf"({_NAME})\(([^()]*)\)")
_MEMBER = re.compile(rf"({_NAME}(?:\[[0-9]*\])*) ({_NAME})")


class StructType:
    """A struct type with the types that it refers to. Made by `parse_struct_type`."""

    def __init__(
        self, name: str, members: Mapping[str, str], encoded: str, encoders: Mapping[str, EncodeMember]
    ) -> None:
        self.name = name
        self.members = dict(members)
        """Type of each member, in order."""
        self.encoded = encoded
        """`encodeType` of the standard."""
        self.type_hash = keccak256(encoded.encode())
        self._encoders = tuple(encoders.items())

    def hash_struct(self, value: Mapping[str, object]) -> bytes:
        """`hashStruct` of the standard, 32 bytes. Raises `TypedDataError`, also for a member missing or too many."""
        try:
            return self._hash(value)
        except UnencodableError as error:
            raise TypedDataError(self.name + error.path, error.value, error.wanted) from None

    def _hash(self, value: object) -> bytes:
        # Asking a dict whether it is a Mapping takes longer than encoding a member.
        if (type(value) is not dict and not isinstance(value, Mapping)) or value.keys() != self.members.keys():
            found = sorted(value) if isinstance(value, Mapping) else value
            raise UnencodableError(found, f"a mapping with just the members {', '.join(self.members)}")
        words = [self.type_hash]
        member = ""
        try:
            for member, encode in self._encoders:
                words.append(encode(value[member]))
        except UnencodableError as error:  # Paths are made when there is something to say.
            raise error.below(f".{member}") from None
        return keccak256(b"".join(words))


def parse_struct_type(text: str) -> StructType:
    """The type that comes first in `text`; those it refers to follow it, sorted. Raises `TypeStringError`."""
    structs = {name: _members(name, inner) for name, inner in _STRUCT.findall(text)}
    written = [f"{name}({','.join(f'{kind} {member}' for member, kind in of.items())})" for name, of in structs.items()]
    if not structs or "".join(written) != text:
        raise TypeStringError(f"{text!r} is no struct type: write it as Name(type member,type member)Other(…)")
    primary, *_ = structs
    encoded = {name: _encode_type(name, structs) for name in structs}
    if encoded[primary] != text:
        raise TypeStringError(f"{text!r} must be {encoded[primary]!r}: what {primary} refers to follows it, sorted")
    return _build(primary, structs, encoded, {})


def _members(struct: str, inner: str) -> dict[str, str]:
    members: dict[str, str] = {}
    for part in inner.split(",") if inner else ():
        match = _MEMBER.fullmatch(part)
        if match is None or match[2] in members:
            raise TypeStringError(f"{struct}: {part!r} is no member, or it is there twice: write `type name`")
        members[match[2]] = match[1]
    return members


def _encode_type(name: str, structs: Mapping[str, Mapping[str, str]]) -> str:
    found: set[str] = set()
    open_names = [name]
    while open_names:
        for kind in structs[open_names.pop()].values():
            base = kind.partition("[")[0]
            if base in structs and base not in found:
                found.add(base)
                open_names.append(base)
    ordered = [name, *sorted(found - {name})]
    return "".join(f"{one}({','.join(f'{kind} {member}' for member, kind in structs[one].items())})" for one in ordered)


def _build(
    name: str,
    structs: Mapping[str, Mapping[str, str]],
    encoded: Mapping[str, str],
    inside: Mapping[str, None],
) -> StructType:
    if name in inside:
        raise TypeStringError(f"{name} contains itself, which no value could: {' → '.join([*inside, name])}")

    def struct_hash(kind: str) -> EncodeMember:
        if kind not in structs:
            raise TypeStringError(f"{name} has a member of type {kind}, which is neither atomic nor described")
        return _build(kind, structs, encoded, {**inside, name: None})._hash

    encoders = {member: encoder(kind, struct_hash) for member, kind in structs[name].items()}
    return StructType(name, structs[name], encoded[name], encoders)
