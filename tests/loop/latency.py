"""How long each stage of the loop took, in the recorded market's time, from the journal alone."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from tests.loop.journal import Entry, ReplayJournal

_MS = 1_000_000


@dataclass(frozen=True, slots=True)
class Latency:
    """Milliseconds. None where there was nothing to measure."""

    stage: str
    count: int
    p50_ms: float | None
    p95_ms: float | None
    most_ms: float | None


def latencies(journal: ReplayJournal) -> list[Latency]:
    """In the order of the stages."""
    agreed = _first(journal.of("agreed"), lambda one: (one.facts["symbol"], one.facts["round"]))
    proposed = _first(journal.of("proposed"), _trade)
    approved = _first(journal.of("approved"), _trade)
    orders = _first(journal.of("order"), _trade)
    trade_of = {entry.facts["order"]: entry.facts["trade"] for entry in journal.of("order")}
    fills = _first(journal.of("fill"), lambda one: trade_of[one.facts["order"]])
    finished, settled = _first(journal.of("finished"), _trade), _first(journal.of("settled"), _trade)
    attested = _first(journal.of("attested"), _trade)
    signalled = {
        key: agreed[one.facts["symbol"], one.facts["signal_round"]]
        for key, one in proposed.items()
        if (one.facts["symbol"], one.facts["signal_round"]) in agreed
    }
    return [
        _latency("slot → signal agreed", [_number(one.facts["took_ns"]) for one in agreed.values()]),
        _between("signal agreed → proposed", signalled, proposed),
        _between("proposed → approved", proposed, approved),
        _between("approved → order sent", approved, orders),
        _between("signal agreed → order sent", signalled, orders),
        _between("order sent → fill known", orders, fills),
        _between("fill known → finished", fills, finished),
        _between("finished → settled", finished, settled),
        _between("settled → attested", settled, attested),
    ]


def _first[K](entries: Iterable[Entry], key: Callable[[Entry], K]) -> dict[K, Entry]:
    found: dict[K, Entry] = {}
    for entry in entries:
        found.setdefault(key(entry), entry)
    return found


def _trade(entry: Entry) -> object:
    return entry.facts["trade"]


def _number(value: object) -> int:
    assert isinstance(value, int)
    return value


def _between[K](stage: str, earlier: dict[K, Entry], later: dict[K, Entry]) -> Latency:
    return _latency(stage, [later[key].at_ns - earlier[key].at_ns for key in earlier.keys() & later.keys()])


def _latency(stage: str, times_ns: list[int]) -> Latency:
    ordered = sorted(times_ns)
    if not ordered:
        return Latency(stage, 0, None, None, None)

    def rank(percent: int) -> float:
        """Nearest rank."""
        return ordered[max(0, -(-percent * len(ordered) // 100) - 1)] / _MS

    return Latency(stage, len(ordered), rank(50), rank(95), ordered[-1] / _MS)
