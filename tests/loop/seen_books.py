"""The recorded books once more, read by nothing of ours: what was offered at a time, to hold fills against."""

from __future__ import annotations

import json
from collections import defaultdict
from fractions import Fraction
from pathlib import Path
from typing import Any

from tests.recordings.recorded import frames

_NAMES = {"XBT": "BTC", "XDG": "DOGE"}


class SeenBooks:
    """Of a folder in the recordings' format."""

    def __init__(self, folder: Path) -> None:
        found = [one for path in sorted(folder.glob("KRAKEN.ws.*")) for one in frames(path)]
        self._frames: dict[str, list[tuple[int, list[dict[str, Any]]]]] = defaultdict(list)
        for one in sorted(found, key=lambda one: one.received_ns):
            said = json.loads(one.payload)
            if isinstance(said, list) and str(said[-2]).startswith("book-"):
                symbol = "/".join(_NAMES.get(part, part) for part in said[-1].split("/"))
                self._frames[symbol].append((one.received_ns, said[1:-2]))

    def sides(self, symbol: str, taker: str, from_ns: int, to_ns: int) -> list[dict[Fraction, Fraction]]:
        """What stood against this side's takers: price to size, at `from_ns` and after each change until `to_ns`."""
        snapshot, update = ("as", "a") if taker == "buy" else ("bs", "b")
        side: dict[Fraction, Fraction] = {}
        seen = []
        for at_ns, parts in self._frames[symbol]:
            if at_ns > from_ns:
                seen.append(dict(side))
            if at_ns > to_ns:
                return seen
            for part in parts:
                if snapshot in part:
                    side.clear()
                for price, size, *_ in part.get(snapshot, ()) or part.get(update, ()):
                    side[Fraction(price)] = Fraction(size)
        return [*seen, side]
