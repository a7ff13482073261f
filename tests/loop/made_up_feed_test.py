"""The made-up feed is one that Kraken's session takes without complaint, and has something to foretell."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.loop.lying_feed import Lie, lying_market
from tests.loop.made_up_feed import DEPTH, PAIRS, made_up_markets, write_made_up_feed
from tests.loop.recorded_market import read_kraken
from tests.loop.replaying import run_session


def test_every_checksum_is_kraken_s(made_up: Path) -> None:
    market = read_kraken(made_up)
    assert (market.symbols, market.depth) == (tuple(sorted(PAIRS)), DEPTH)
    counts, problems = run_session(market)
    assert problems == []
    assert counts["BookSnapshot"] == len(PAIRS)
    # A book's first frame is told when the second one's checksum has confirmed it.
    assert counts["BookDelta"] + counts["Trade"] == len(market.frames) - 2 * len(PAIRS)
    assert counts["Trade"] > 20


def test_the_same_seed_writes_the_same_feed(tmp_path: Path) -> None:
    for name, seed in (("one", 5), ("two", 5), ("three", 6)):
        write_made_up_feed(tmp_path / name, seed, seconds=2)
    one, two, three = ((tmp_path / name / "KRAKEN.ws.50.0").read_bytes() for name in ("one", "two", "three"))
    assert one == two
    assert one != three


def test_the_price_follows_the_larger_queue() -> None:
    market, _ = made_up_markets(3)
    with_it = moves = 0
    for step in range(1, 20_000):
        lean, before = market.bids[0] - market.asks[0], market.bid
        market.step(step)
        if market.bid != before:
            moves += 1
            with_it += (market.bid > before) == (lean > 0)
    assert moves > 500
    assert with_it / moves > 0.65


@pytest.mark.parametrize("lie", [lie for lie in Lie if lie is not Lie.CROSSED])
def test_a_lie_is_a_gap(lie: Lie) -> None:
    counts, problems = run_session(lying_market(lie))
    assert counts["Gap"] == (len(PAIRS) if lie.ends_connection else 1)
    assert counts["BookSnapshot"] == len(PAIRS) + counts["Gap"]
    assert len(problems) == 1


def test_a_book_that_crosses_is_taken_as_it_is_sent() -> None:
    """Its checksum is right; it is left to others not to trade on it."""
    counts, problems = run_session(lying_market(Lie.CROSSED))
    assert (counts["Gap"], problems) == (0, [])
