"""How Ethereum's JSON-RPC writes numbers and bytes (ethereum.org, "JSON-RPC API", hex encoding), read strictly.

Each function that reads raises `ValueError` for any other writing.
"""

from __future__ import annotations

import re

_QUANTITY = re.compile(r"0x(0|[1-9a-f][0-9a-f]{0,63})")
_DATA = re.compile(r"0x((?:[0-9a-f]{2})*)", re.IGNORECASE)
_SHOWN = 80


def quantity(value: object) -> int:
    """A number of at most 256 bits: no needless zero, no sign, zero is "0x0"."""
    match = _QUANTITY.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise ValueError(f"{_shown(value)} is no quantity: 0x and up to 64 hexadecimal digits, no needless zero")
    return int(match[1], 16)


def data(value: object) -> bytes:
    """Bytes: two digits each, and none is "0x"."""
    match = _DATA.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise ValueError(f"{_shown(value)} is no data: 0x and two hexadecimal digits for each byte")
    return bytes.fromhex(match[1])


def to_quantity(number: int) -> str:
    """The one writing of a number that is not negative."""
    return hex(number)


def to_data(content: bytes) -> str:
    """The one writing of bytes."""
    return f"0x{content.hex()}"


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
