"""Replays for tests: as a process of its own, or a world in this process of which something is changed first."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from copy import replace
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.loop.journal import ReplayJournal
from tests.loop.options import ReplayOptions
from tests.loop.quote_tape import QuoteTape
from tests.loop.recorded_market import Playing, RecordedMarket
from tests.loop.world import World

_SECOND_NS = 1_000_000_000


@dataclass(frozen=True)
class Line:
    """A line of a journal's file. All that it holds is text, as it is in the file."""

    at_ns: int
    node: str
    kind: str
    facts: dict[str, Any]


@dataclass(frozen=True)
class Replayed:
    """What a process wrote."""

    recordings: Path
    content: bytes
    chart: bytes
    lines: list[Line]
    report: dict[str, Any]

    def of(self, kind: str) -> list[Line]:
        return [line for line in self.lines if line.kind == kind]


def replay(recordings: Path, folder: Path, *, seed: int, hash_seed: int) -> Replayed:
    """The command, as a person gives it."""
    journal, report, chart = (folder / f"{seed}-{hash_seed}.{suffix}" for suffix in ("jsonl", "json", "svg"))
    command = [sys.executable, "-m", "tests.loop.replay", "--recordings", str(recordings), "--seed", str(seed)]
    done = subprocess.run(
        [*command, "--journal", str(journal), "--json", str(report), "--chart", str(chart)],
        env=os.environ | {"PYTHONHASHSEED": str(hash_seed), "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        capture_output=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    content = journal.read_bytes()
    return Replayed(recordings, content, chart.read_bytes(), lines_of(content), json.loads(report.read_bytes()))


def lines_of(content: bytes) -> list[Line]:
    said = (json.loads(line) for line in content.splitlines())
    return [Line(int(one["at_ns"]), one["node"], one["kind"], one["facts"]) for one in said]


@dataclass(frozen=True)
class Watched:
    """A world that has run, and what its first validator saw."""

    world: World
    tape: QuoteTape

    @property
    def journal(self) -> ReplayJournal:
        return self.world.journal

    def count(self, kind: str) -> int:
        return sum(1 for _ in self.journal.of(kind))


def run_world(
    market: RecordedMarket,
    folder: Path,
    options: ReplayOptions,
    change: Callable[[World], None] = lambda _world: None,
    meanwhile: Callable[[World, int], None] = lambda _world, _now_ns: None,
) -> Watched:
    """`change` is done before it runs, `meanwhile` at each frame's time."""
    world = World(market, options, folder)
    first = world.validators[0]
    tape = QuoteTape(first.books, world.symbols, world.timeline.now_ns)
    first.followers.append(tape)
    try:
        change(world)
        world.run(lambda now_ns: meanwhile(world, now_ns))
    finally:
        world.close()
    return Watched(world, tape)


def beginning(market: RecordedMarket, seconds: int) -> RecordedMarket:
    """Only its first seconds."""
    end_ns = market.begin_ns + seconds * _SECOND_NS
    return replace(market, frames=[one for one in market.frames if one.received_ns < end_ns])


def run_session(market: RecordedMarket) -> tuple[Counter[str], list[str]]:
    """How many events of each kind a session makes of it, and what it would have asked the venue."""
    counts: Counter[str] = Counter()
    playing = Playing(market.session(), lambda event: counts.update([type(event).__name__]))
    for one in market.frames:
        playing.frame(one)
    return counts, playing.problems
