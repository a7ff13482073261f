"""Codes that are signed as the bits of a uint32: every bit has a meaning, or the number is refused."""

from __future__ import annotations

import enum
from collections.abc import Mapping

from noderr.guardian_consensus.errors import CodeError

MAX_U32 = (1 << 32) - 1


def known_bits[F: enum.IntFlag](kind: type[F], number: object) -> F:
    """The flags that `number` stands for. Raises `CodeError` for an unknown bit, and for what is no uint32."""
    known = 0
    for flag in kind:
        known |= int(flag)
    if not isinstance(number, int) or isinstance(number, bool) or not 0 <= number <= MAX_U32:
        raise CodeError(f"{number!r} is no {kind.__name__}: it must be an int from 0 to {MAX_U32}")
    if unknown := int(number) & ~known:
        raise CodeError(
            f"{number:#x} has bits {unknown:#x} that no {kind.__name__} has: is the sender newer than this?"
        )
    return kind(number)


def in_words[F: enum.IntFlag](words: Mapping[F, str], flags: F) -> tuple[str, ...]:
    """What each flag means in plain English, lowest bit first."""
    return tuple(text for flag, text in words.items() if flag & flags)
