"""A venue that goes wrong: its market is unknown at once, nobody trades on it, and its book, sent anew, heals it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.loop.journal import Entry
from tests.loop.lying_feed import HEALED_NS, HONEST, LIAR, WRONG_NS, Lie, lying_market
from tests.loop.options import ReplayOptions
from tests.loop.recorded_market import read_kraken
from tests.loop.replaying import Watched, run_world
from tests.loop.validator import Validator
from tests.recordings.recorded import Recorded

_SECOND_NS = 1_000_000_000
_HOUR_NS = 3_600 * _SECOND_NS
_LATE_NS = 2 * _SECOND_NS
"""How old a view may be for a model."""
_NOTICED_NS = 300_000_000
"""Until oracles have heard of it: lost frames show at the next one, views go out ten times a second."""


def of_market(watched: Watched, kind: str, symbol: str, from_ns: int, to_ns: int) -> list[Entry]:
    entries: Iterator[Entry] = watched.journal.of(kind)
    return [one for one in entries if one.facts["symbol"] == symbol and from_ns <= one.at_ns < to_ns]


@pytest.mark.parametrize("lie", Lie)
def test_nobody_trades_on_a_market_that_lies(lie: Lie, tmp_path: Path) -> None:
    watched = run_world(lying_market(lie), tmp_path, ReplayOptions(seed=7))
    noticed_ns = WRONG_NS + _NOTICED_NS
    # Before it oracles foretell and orders go out; else nothing below would say anything.
    assert of_market(watched, "observed", LIAR, 0, WRONG_NS)
    assert of_market(watched, "order", LIAR, 0, WRONG_NS)
    silent = [LIAR, HONEST] if lie.ends_connection else [LIAR]
    for symbol in silent:
        assert of_market(watched, "observed", symbol, noticed_ns, HEALED_NS) == []
        assert of_market(watched, "order", symbol, noticed_ns, HEALED_NS) == []
        assert of_market(watched, "observed", symbol, HEALED_NS, HEALED_NS + 8 * _SECOND_NS), "it heals"
        if lie is not Lie.CROSSED:  # A book that crosses is known: it is not traded on.
            tape = watched.tape.by_symbol[symbol]
            assert any(one.mid is None and WRONG_NS <= one.at_ns < noticed_ns for one in tape)
            assert all(one.mid is None for one in tape if noticed_ns <= one.at_ns < HEALED_NS)
            assert tape[-1].mid is not None
    if HONEST not in silent:
        assert of_market(watched, "observed", HONEST, noticed_ns, HEALED_NS)
    orders = {one.facts["order"]: one.facts for one in watched.journal.of("order")}
    for fill in watched.journal.of("fill"):
        of, traded_ns = orders[fill.facts["order"]]["symbol"], int(str(fill.facts["traded_ns"]))
        assert of not in silent or not noticed_ns <= traded_ns < HEALED_NS


def test_where_the_clock_is_set_back_oracles_fall_silent_and_nothing_is_attested(
    made_up: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def frame(validator: Validator, one: Recorded) -> None:
        back_ns = _HOUR_NS if WRONG_NS <= one.received_ns < HEALED_NS else 0
        take_frame(validator, Recorded(one.received_ns - back_ns, one.payload))

    take_frame = Validator.frame
    monkeypatch.setattr(Validator, "frame", frame)
    watched = run_world(read_kraken(made_up), tmp_path, ReplayOptions(seed=7))
    assert any(watched.journal.of("view-refused"))
    late_ns = WRONG_NS + _LATE_NS + _NOTICED_NS
    for symbol in (LIAR, HONEST):
        assert of_market(watched, "observed", symbol, 0, WRONG_NS)
        assert of_market(watched, "observed", symbol, late_ns, HEALED_NS) == []
        assert of_market(watched, "order", symbol, late_ns, HEALED_NS) == []
        assert of_market(watched, "observed", symbol, HEALED_NS, HEALED_NS + 8 * _SECOND_NS)
    # What was traded on the last good views has no record that a validator could hold it against.
    holes = [one for one in watched.journal.of("settled") if WRONG_NS <= one.at_ns < HEALED_NS]
    approved = {one.facts["trade"] for one in watched.journal.of("attested") if one.facts["choice"] == "APPROVE"}
    assert not approved & {one.facts["trade"] for one in holes}
    assert approved
