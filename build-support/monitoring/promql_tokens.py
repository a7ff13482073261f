"""Cuts a PromQL expression into tokens."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from monitoring.errors import PromQlError

# In this order: a duration begins like a number, `=~` like `=`. Only what follows a number's digits tells them apart.
_TOKEN = re.compile(
    r"""
    (?P<blank>\s+|\#[^\n]*)
    | (?P<string>"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|`[^`]*`)
    | (?P<duration>(?:\d+(?:ms|[smhdwy]))+(?![\w.]))
    | (?P<number>(?:0[xX][0-9a-fA-F]+|(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)(?![\w.]))
    | (?P<word>[a-zA-Z_][\w:]*)
    | (?P<symbol>=~|!~|==|!=|<=|>=|[-+*/%^<>=(){}\[\],:@])
    """,
    re.VERBOSE | re.ASCII,
)


@dataclass(frozen=True)
class Token:
    """`kind` is "string", "duration", "number", "word", "symbol" or "end"; `at` is the offset in the expression."""

    kind: str
    text: str
    at: int


def tokens(expression: str) -> Iterator[Token]:
    """The tokens, without blanks and comments, and one of kind "end" behind them. Raises `PromQlError`."""
    at = 0
    while at < len(expression):
        found = _TOKEN.match(expression, at)
        if found is None:
            raise PromQlError(f"{expression!r}: no PromQL from {expression[at : at + 12]!r} on")
        if found.lastgroup != "blank":
            yield Token(str(found.lastgroup), found.group(), at)
        at = found.end()
    yield Token("end", "", at)
