"""The recordings of venues' feeds: a directory that NODEOS_RECORDINGS_DIR names; the project does not contain it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import msgspec

_LINE = re.compile(r"(\d+\.\d+): (.+)")
_HTTP = re.compile(r"\S+[?&]symbol=(\w+)\S* -> (\d+\.\d+): (.+)")


class Recorded(msgspec.Struct, frozen=True):
    """A frame that a venue sent; of an HTTP answer, `name` is what was asked for."""

    received_ns: int
    payload: bytes
    name: str = ""


def frames(path: Path) -> list[Recorded]:
    """What came on a WebSocket connection, in order; what was sent, and when it opened, is left out."""
    return [
        Recorded(_ns(match[1]), match[2].encode())
        for line in path.read_text().splitlines()
        if (match := _LINE.fullmatch(line)) is not None
    ]


def answers(path: Path) -> Iterator[Recorded]:
    """What came over HTTP."""
    for line in path.read_text().splitlines():
        if (match := _HTTP.fullmatch(line)) is not None:
            yield Recorded(_ns(match[2]), match[3].encode(), match[1])


def _ns(seconds: str) -> int:
    whole, _, fraction = seconds.partition(".")
    return int(whole + fraction.ljust(9, "0")[:9])
