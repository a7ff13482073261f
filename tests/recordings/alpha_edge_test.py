"""The oracle's model on Kraken's recorded XMR/USD: it runs through, and forecasts or says why not."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from copy import replace
from pathlib import Path

from noderr.alpha_edge.answers import Abstained, Forecast, Reason
from noderr.alpha_edge.evaluation import Evaluation, Evaluator
from noderr.alpha_edge.forecaster import Forecaster
from noderr.alpha_edge.parameters import FOR_SECONDS
from noderr.alpha_edge.testing import mirrored
from noderr.data_connectors.kraken import KrakenSession
from noderr.market_data.events import BookDelta, BookSnapshot
from noderr.market_data.order_book import Level
from noderr.market_data.units import Scale, to_decimal
from noderr.types.trading.market_view import MAX_LEVELS, MarketView, PriceLevel
from tests.recordings.kraken_test import SYMBOLS
from tests.recordings.recorded import frames
from tests.recordings.venues import Wire

SYMBOL = "XMR/USD"
STEP_NS = 250_000_000
SECOND_NS = 1_000_000_000

type Answer = Forecast | Abstained


@functools.cache
def views(folder: Path) -> Sequence[MarketView]:
    """One a change of the book: 846 in 29 seconds."""
    wire = Wire(KrakenSession(SYMBOLS, depth=1000), lambda _pair: None)
    wire.open()
    told: list[MarketView] = []
    for one in frames(folder / "KRAKEN.ws.50.0"):
        for output in wire.frame(one.payload, one.received_ns):
            book = wire.book(SYMBOL)
            if isinstance(output, BookSnapshot | BookDelta) and output.symbol == SYMBOL and book is not None:
                told.append(
                    MarketView(
                        venue="kraken",
                        symbol=SYMBOL,
                        received_ns=one.received_ns,
                        sequence=len(told) + 1,
                        bids=_levels(book.bids.top(MAX_LEVELS), book.scale),
                        asks=_levels(book.asks.top(MAX_LEVELS), book.scale),
                        trades=(),
                        known=True,
                    )
                )
    return tuple(told)


def _levels(levels: Sequence[Level], scale: Scale) -> tuple[PriceLevel, ...]:
    return tuple(
        PriceLevel(price=to_decimal(price, scale.price), size=to_decimal(size, scale.size)) for price, size in levels
    )


def replayed(market: Sequence[MarketView]) -> tuple[dict[int, Answer], Evaluation]:
    """Asked every quarter of a second, with what had come by then."""
    machine, judge = Forecaster(FOR_SECONDS), Evaluator(FOR_SECONDS.horizon_seconds)
    answers: dict[int, Answer] = {}
    at_ns = market[0].received_ns
    for view in market:
        while at_ns < view.received_ns:
            answers[at_ns] = machine.forecast(at_ns)
            judge.on_answer(at_ns, answers[at_ns])
            at_ns += STEP_NS
        machine.on_view(view)
        twice_mid = view.bids[0].price + view.asks[0].price
        judge.on_mid(view.received_ns, int(twice_mid * 50_000_000))
    return answers, judge.result()


def test_it_runs_through_and_says_what_it_knows(recordings: Path) -> None:
    market = views(recordings)
    assert len(market) == 846
    answers, found = replayed(market)
    print(f"{SYMBOL}: {found}")
    assert found.asked == len(answers) == found.forecasts + found.unresolved + found.abstained.total()
    needed_ns = market[0].received_ns + 11 * SECOND_NS
    early = [one for at_ns, one in answers.items() if market[0].received_ns < at_ns < needed_ns]
    assert {one.reason for one in early if isinstance(one, Abstained)} == {Reason.TOO_SHORT}
    assert not any(isinstance(one, Forecast) for one in early)
    # After that the stretch is long enough: what it lacks then is evidence.
    late = [one for at_ns, one in answers.items() if at_ns > needed_ns + SECOND_NS]
    assert len(late) > 60
    assert not [one for one in late if isinstance(one, Abstained) and one.reason in (Reason.TOO_SHORT, Reason.LATE)]


def test_a_lenient_model_that_is_asked_later_says_what_it_said_then(recordings: Path) -> None:
    """No answer depends on what came after it, and a mirrored market gets the mirrored answer."""
    market = views(recordings)
    lenient = replace(FOR_SECONDS, significance_bps=4_999, min_visits=1)
    whole, opposite = Forecaster(lenient), Forecaster(lenient)
    for view in market:
        whole.on_view(view)
    for view in mirrored(market):
        opposite.on_view(view)
    then = Forecaster(lenient)
    at_ns, place, forecasts = market[0].received_ns + 10 * SECOND_NS, 0, 0
    while at_ns < market[-1].received_ns:
        while market[place].received_ns <= at_ns:
            then.on_view(market[place])
            place += 1
        answer = then.forecast(at_ns)
        assert whole.forecast(at_ns) == answer
        other = opposite.forecast(at_ns)
        if isinstance(answer, Abstained):
            assert isinstance(other, Abstained)
            assert other.reason is answer.reason
        else:
            assert isinstance(other, Forecast)
            forecasts += 1
            # The mid that it is a part of is the mirrored one.
            moved = answer.prediction_e8 * answer.mid_price_e8 + other.prediction_e8 * other.mid_price_e8
            assert abs(moved) <= answer.mid_price_e8 + other.mid_price_e8
            assert other.confidence_bps == answer.confidence_bps
        at_ns += STEP_NS
    assert forecasts > 0  # Or nothing was compared but reasons.
