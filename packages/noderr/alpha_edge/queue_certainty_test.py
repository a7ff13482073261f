"""How sure the queues' model has to be: as the beta distribution says, and rarely where there is nothing to see."""

from __future__ import annotations

import copy

import pytest
from scipy import stats

from noderr.alpha_edge.answers import Abstained, Forecast, Reason
from noderr.alpha_edge.queue_imbalance import ImbalanceParameters
from noderr.alpha_edge.testing_queues import QUICK, market, said

SURE = copy.replace(QUICK, certainty_bps=9_500)


def test_a_relation_is_told_when_the_counts_make_it_sure() -> None:
    """All moves go the queues' way: Beta(1 + n, 1) lies above one half but for a part of 2^-(n + 1)."""
    parameters = ImbalanceParameters(least_moves=2, window_seconds=900, certainty_bps=9_900)
    told = {moves: isinstance(said(market(1.0, moves, seed=1), parameters), Forecast) for moves in range(3, 10)}
    assert told == {moves: stats.beta.sf(0.5, 1 + moves, 1) >= 0.99 for moves in range(3, 10)}
    assert set(told.values()) == {True, False}


def test_counts_that_leave_it_open_are_no_forecast() -> None:
    found = said(market(0.5, 100, seed=4), SURE)
    assert isinstance(found, Abstained)
    assert found.reason is Reason.NOT_SIGNIFICANT
    assert "moves went the imbalance's way" in found.detail


def test_where_there_is_no_relation_it_is_sure_as_rarely_as_it_says() -> None:
    """Either side may look likelier, so about one market in ten; 60 markets bound it with room."""
    sure = sum(isinstance(said(market(0.5, 100, seed), SURE), Forecast) for seed in range(60))
    assert sure <= 14
    assert stats.binom.sf(14, 60, 0.10) < 0.001


@pytest.mark.parametrize("bps", [4_999, 10_000])
def test_a_certainty_that_is_none_is_refused(bps: int) -> None:
    with pytest.raises(ValueError, match="certainty_bps"):
        ImbalanceParameters(certainty_bps=bps)
