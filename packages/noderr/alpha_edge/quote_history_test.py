"""What a stream's views become: exact differences, gaps marked, and bars that no gap runs through."""

from __future__ import annotations

from copy import replace
from decimal import Decimal

import pytest

from noderr.alpha_edge.bars import cut_bars
from noderr.alpha_edge.errors import ViewError
from noderr.alpha_edge.quote_history import QuoteHistory
from noderr.alpha_edge.testing import START_NS, view
from noderr.types.trading.market_view import MarketView

SECOND_NS = 1_000_000_000
BOOK = (("100", "5"), ("102", "4"))


def at(second: float, sequence: int, bid: tuple[str, str] | None = BOOK[0], ask: tuple[str, str] | None = BOOK[1]):  # type: ignore[no-untyped-def]
    return view(bid, ask, at_ns=START_NS + round(second * SECOND_NS), sequence=sequence)


def history(*views: MarketView, keep_s: int = 100, levels: int = 1) -> QuoteHistory:
    made = QuoteHistory(keep_ns=keep_s * SECOND_NS, max_age_ns=2 * SECOND_NS, levels=levels)
    for one in views:
        made.add(one)
    return made


def test_a_quote_says_what_changed() -> None:
    first, second = history(at(0, 1), at(1, 2, ("101", "6"), ("103", "2"))).quotes
    assert (first.flow, first.move, first.spread, first.depth) == (0, 0, 2, 4.5)
    assert second.twice_mid == 204
    assert (second.move, second.flow) == (1, 6 + 4)
    assert (second.imbalance, second.segment) == (0.5, first.segment)


@pytest.mark.parametrize(
    "after",
    [
        [at(1, 3)],  # One is missing.
        [at(1, 1_000)],
        [at(2.5, 2)],  # Silence.
        [at(1, 2, None, None), at(1.5, 3)],  # Unknown in between.
        [at(1, 2, BOOK[0], None), at(1.5, 3)],  # Without a side.
    ],
)
def test_after_a_gap_nothing_is_said_to_have_changed(after: list[MarketView]) -> None:
    quotes = history(at(0, 5 if after[0].sequence == 1 else 1), *after).quotes
    assert quotes[-1].segment > quotes[0].segment
    assert (quotes[-1].flow, quotes[-1].move, quotes[-1].known) == (0, 0, True)


def test_a_validator_that_starts_anew_is_a_gap_and_no_error() -> None:
    quotes = history(at(0, 5), at(1, 1), at(1.5, 2)).quotes
    assert [quote.segment - quotes[0].segment for quote in quotes] == [0, 1, 1]


def test_what_cannot_follow_is_refused_and_changes_nothing() -> None:
    made = history(at(0, 1), at(1, 2))
    before = list(made.quotes)
    huge = replace(at(1.5, 3), asks=(replace(at(0, 1).asks[0], price=Decimal("1e96")),))
    tiny = replace(huge, bids=(replace(at(0, 1).bids[0], price=Decimal("1e-96")),))
    for bad, reason in [(at(0.5, 3), "before"), (at(1.5, 2), "came before"), (tiny, "cannot be reckoned with")]:
        with pytest.raises(ViewError, match=reason):
            made.add(bad)
        assert list(made.quotes) == before
    made.add(at(1.5, 3))
    assert made.quotes[-1].segment == before[-1].segment


def test_only_what_counts_is_kept_with_the_quote_that_stood_at_its_beginning() -> None:
    made = history(*(at(second, second + 1) for second in range(20)), keep_s=5)
    assert [(quote.at_ns - START_NS) // SECOND_NS for quote in made.quotes] == [14, 15, 16, 17, 18, 19]


def test_bars_are_what_happened_between_their_ends() -> None:
    made = history(
        at(0, 1),
        at(0.5, 2, ("100", "7"), ("102", "4")),  # +2
        at(1.0, 3, ("101", "1"), ("102", "4")),  # +1, the mid by a half
        at(1.5, 4, ("101", "1"), ("103", "3")),  # +4, the mid by a half
    )
    bars = cut_bars(made.quotes, START_NS + 2 * SECOND_NS, bar_ns=SECOND_NS, max_age_ns=2 * SECOND_NS, count=2)
    assert bars.whole.tolist() == [True, True]
    # The depth is the average over the quotes that stood: 4.5, 5.5 and 2.5; then 2.5 and 2.
    assert bars.flow.tolist() == pytest.approx([3 / (12.5 / 3), 4 / 2.25])
    assert bars.move.tolist() == [0.5, 0.5]
    assert (bars.first, bars.ends.tolist()) == (0, [2, 3])


def test_a_bar_with_a_gap_is_not_whole_and_later_quotes_do_not_count() -> None:
    known = [at(second / 2, second + 1) for second in range(8)]  # 0 to 3.5 s
    lost = replace(at(4, 9), known=False, bids=(), asks=())
    again = [at(4.5 + second / 2, 10 + second) for second in range(8)]  # 4.5 to 8 s
    quotes = history(*known, lost, *again).quotes
    end_ns = START_NS + 8 * SECOND_NS
    bars = cut_bars(quotes, end_ns, bar_ns=SECOND_NS, max_age_ns=2 * SECOND_NS, count=10)
    assert bars.whole.tolist() == [False, False, True, True, True, False, False, True, True, True]
    early = cut_bars(quotes, START_NS + 3 * SECOND_NS, bar_ns=SECOND_NS, max_age_ns=2 * SECOND_NS, count=3)
    assert early.whole.tolist() == [True, True, True]
    assert early.ends.max() == 6
