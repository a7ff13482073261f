"""One text for one record: what journals are made of, and what is hashed where no contract has to follow.

RFC 8785 (JSON Canonicalization Scheme) orders and escapes. It writes numbers as IEEE doubles, which would round what we
count in; so every number here is text: an int by its digits, a Decimal in its one writing, bytes as 0x and hexadecimal.
"""

from __future__ import annotations

import dataclasses
import enum
import hashlib
from collections.abc import Mapping
from decimal import Decimal

import rfc8785

from noderr.types.errors import TypesError
from noderr.types.trading.decimals import decimal_text, is_exact


class CanonicalError(TypesError, TypeError):
    """A value that has no canonical text; names where it stands and what to give instead."""


def canonical_json(record: object) -> bytes:
    """UTF-8 text of dataclasses, mappings with text keys, lists, tuples and their items. Raises `CanonicalError`."""
    try:
        return rfc8785.dumps(_plain(record, type(record).__name__))
    except (rfc8785.CanonicalizationError, UnicodeEncodeError) as error:
        raise CanonicalError(f"{type(record).__name__} has text that is no Unicode: {error}") from error


def canonical_digest(record: object) -> bytes:
    """SHA-256 of `canonical_json`, 32 bytes."""
    return hashlib.sha256(canonical_json(record)).digest()


type _Plain = bool | str | list[_Plain] | dict[str, _Plain] | None


def _plain(value: object, path: str) -> _Plain:
    if isinstance(value, enum.Enum):
        value = value.value
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        value = {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    match value:
        case Mapping():
            return {_key(key, path): _plain(item, f"{path}.{key}") for key, item in value.items()}
        case list() | tuple():
            return [_plain(item, f"{path}[{index}]") for index, item in enumerate(value)]
        case None | bool() | str():
            return value
    return _number_or_bytes(value, path)


def _number_or_bytes(value: object, path: str) -> str:
    if isinstance(value, int):
        return str(value)
    if isinstance(value, bytes):
        return "0x" + value.hex()
    if isinstance(value, Decimal) and is_exact(value):
        return decimal_text(value)
    raise CanonicalError(
        f"{path} is {value!r}, a {type(value).__name__}: "
        "use a Decimal, an int, text, bytes, None, a bool, or records and lists of them"
    )


def _key(key: object, path: str) -> str:
    if not isinstance(key, str):
        raise CanonicalError(f"{path} has the key {key!r}: keys are text")
    return key
