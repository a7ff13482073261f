"""What happened in a replay, one canonical line each: two runs from one seed write the same bytes."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from noderr.types.canonical_json import canonical_json
from noderr.utils import replace_file


@dataclass(frozen=True, slots=True)
class Entry:
    """`at_ns` is the recorded market's time. `node` is whose doing it was."""

    at_ns: int
    node: str
    kind: str
    facts: dict[str, object]


class ReplayJournal:
    """Entries in the order in which they happened."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self._lines: list[bytes] = []

    def add(self, at_ns: int, node: str, kind: str, **facts: object) -> None:
        """Facts are what `canonical_json` takes: no float, so that nothing depends on how one is printed."""
        entry = Entry(at_ns, node, kind, facts)
        self.entries.append(entry)
        self._lines.append(canonical_json(entry) + b"\n")

    def of(self, kind: str) -> Iterator[Entry]:
        return (entry for entry in self.entries if entry.kind == kind)

    @property
    def content(self) -> bytes:
        return b"".join(self._lines)

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.content).hexdigest()

    def write(self, path: Path) -> None:
        replace_file(path, self.content)
