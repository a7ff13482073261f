"""Nobody trades with real money by one mistake."""

from __future__ import annotations

import pytest

from noderr.execution.errors import ModeError
from noderr.execution.trading_mode import CONFIRMATION, TradingMode, trading_mode


def test_paper_is_what_one_gets() -> None:
    assert trading_mode(None, None) is TradingMode.PAPER
    assert trading_mode("paper", None) is TradingMode.PAPER


@pytest.mark.parametrize(
    ("wanted", "confirmation"),
    [
        ("live", None),
        ("live", ""),
        ("live", "yes"),
        ("live", CONFIRMATION + " "),
        ("paper", CONFIRMATION),
        (None, CONFIRMATION),
        ("LIVE", CONFIRMATION),
        ("real", CONFIRMATION),
    ],
)
def test_one_setting_is_not_enough(wanted: str | None, confirmation: str | None) -> None:
    with pytest.raises(ModeError):
        trading_mode(wanted, confirmation)


def test_both_are() -> None:
    assert trading_mode("live", CONFIRMATION) is TradingMode.LIVE
