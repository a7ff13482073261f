"""The types that a member of an EIP-712 struct can have, and how a value of each is encoded into one 32-byte word."""

from __future__ import annotations

import re
from collections.abc import Callable

from noderr.types.eip712.errors import TypeStringError, UnencodableError
from noderr.types.keccak import keccak256

type EncodeMember = Callable[[object], bytes]
"""Takes the member's value; gives 32 bytes. Raises `UnencodableError`."""

_ARRAY = re.compile(r"(.+)\[([1-9][0-9]*)?\]")
_INTEGER = re.compile(r"(u?)int([1-9][0-9]*)")
_FIXED_BYTES = re.compile(r"bytes([1-9][0-9]*)")
_WORD = 32


def encoder(type_name: str, struct_hash: Callable[[str], EncodeMember]) -> EncodeMember:
    """How to encode a member of this type; `struct_hash` gives it for a struct's name. Raises `TypeStringError`."""
    if array := _ARRAY.fullmatch(type_name):
        return _array(encoder(array[1], struct_hash), type_name, None if array[2] is None else int(array[2]))
    if integer := _INTEGER.fullmatch(type_name):
        bits = int(integer[2])
        if bits % 8 or bits > 256:
            raise TypeStringError(f"{type_name}: integers have 8, 16, … 256 bits")
        return _integer(type_name, *((0, 1 << bits) if integer[1] else (-1 << (bits - 1), 1 << (bits - 1))))
    if fixed := _FIXED_BYTES.fullmatch(type_name):
        if int(fixed[1]) > _WORD:
            raise TypeStringError(f"{type_name}: fixed bytes have 1 to 32")
        return _exact_bytes(int(fixed[1]), lambda value: value.ljust(_WORD, b"\0"))
    return _ATOMIC[type_name] if type_name in _ATOMIC else struct_hash(type_name)


def _integer(type_name: str, least: int, above: int) -> EncodeMember:
    def encode(value: object) -> bytes:
        if type(value) is int and 0 <= value < above:
            return value.to_bytes(_WORD)  # What nearly all are.
        # True is an int to Python; here it would be a mistake.
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value < above:
            raise UnencodableError(value, f"an int that {type_name} holds, {least} to {above - 1}")
        return value.to_bytes(_WORD, "big", signed=value < 0)

    return encode


def _boolean(value: object) -> bytes:
    if not isinstance(value, bool):
        raise UnencodableError(value, "True or False")
    return int(value).to_bytes(_WORD, "big")


def _exact_bytes(length: int, pad: Callable[[bytes], bytes]) -> EncodeMember:
    def encode(value: object) -> bytes:
        if not isinstance(value, bytes) or len(value) != length:
            raise UnencodableError(value, f"{length} bytes")
        return pad(value)

    return encode


def _any_bytes(value: object) -> bytes:
    if not isinstance(value, bytes):
        raise UnencodableError(value, "bytes")
    return keccak256(value)


def _string(value: object) -> bytes:
    if not isinstance(value, str):
        raise UnencodableError(value, "text")
    try:
        return keccak256(value.encode())
    except UnicodeEncodeError as error:
        raise UnencodableError(value, "text that UTF-8 can write, without lone surrogates") from error


def _array(encode_item: EncodeMember, type_name: str, length: int | None) -> EncodeMember:
    def encode(value: object) -> bytes:
        if not isinstance(value, list | tuple) or length not in (None, len(value)):
            raise UnencodableError(value, f"a list or tuple for {type_name}")
        words = []
        for index, item in enumerate(value):
            try:
                words.append(encode_item(item))
            except UnencodableError as error:
                raise error.below(f"[{index}]") from None
        return keccak256(b"".join(words))

    return encode


_ATOMIC: dict[str, EncodeMember] = {
    "bool": _boolean,
    "address": _exact_bytes(20, lambda value: value.rjust(_WORD, b"\0")),
    "string": _string,
    "bytes": _any_bytes,
}
