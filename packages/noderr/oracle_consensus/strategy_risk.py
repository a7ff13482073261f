"""How risky a strategy is, 0 to 100: six components, each 0 to 100, with fixed weights. Integers only."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from noderr.oracle_consensus.errors import AssignmentError
from noderr.types.trading.checks import check_integer

_WHOLE_E2 = 10_000
_FLASH_LOANS_E2 = 8_000
_NO_FLASH_LOANS_E2 = 2_000
_MAX = (1 << 63) - 1


class StrategyType(enum.IntEnum):
    """What its author says the strategy is: the contract's numbers. Nobody guesses it from its figures."""

    LONG_ONLY = 0
    SHORT_ONLY = 1
    LONG_SHORT = 2
    MARKET_NEUTRAL = 3
    DIRECTIONAL = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class StrategyProfile:
    """What is known of a strategy from its paper trading, and the limits that it gave itself.

    `max_drawdown_bps` 10 000 is all lost. `sharpe_e2` is the annual Sharpe ratio times 100. `volatility_bps` is the
    annual standard deviation of returns, 10 000 is 100 %. `max_leverage_e2` is times 100, 1x is 100. `correlation_e3`
    is the correlation with what is held already that it allows itself, times 1000.
    """

    kind: StrategyType
    max_drawdown_bps: int
    sharpe_e2: int
    volatility_bps: int
    max_leverage_e2: int
    correlation_e3: int
    flash_loans: bool

    def __post_init__(self) -> None:
        if not isinstance(self.kind, StrategyType):
            raise AssignmentError(f"the kind of strategy is {self.kind!r}: its author must give a `StrategyType`")
        if not isinstance(self.flash_loans, bool):
            raise AssignmentError(f"flash_loans is {self.flash_loans!r}: it must be True or False")
        check_integer(self, "max_drawdown_bps", self.max_drawdown_bps, 0, _WHOLE_E2)
        check_integer(self, "sharpe_e2", self.sharpe_e2, -_MAX, _MAX)
        check_integer(self, "volatility_bps", self.volatility_bps, 0, _MAX)
        check_integer(self, "max_leverage_e2", self.max_leverage_e2, 0, _MAX)
        check_integer(self, "correlation_e3", self.correlation_e3, 0, 1000)


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskScore:
    """The components, each 0 to 10 000: hundredths of a point; and what they come to."""

    drawdown_e2: int
    sharpe_e2: int
    volatility_e2: int
    leverage_e2: int
    correlation_e2: int
    liquidity_e2: int

    @property
    def score(self) -> int:
        """0 to 100: 30 % drawdown, 20 % Sharpe, 20 % volatility, 15 % leverage, 10 % correlation, 5 % liquidity.

        Rounded to the nearest, halves up.
        """
        weighted = (
            30 * self.drawdown_e2
            + 20 * self.sharpe_e2
            + 20 * self.volatility_e2
            + 15 * self.leverage_e2
            + 10 * self.correlation_e2
            + 5 * self.liquidity_e2
        )
        return (weighted + _WHOLE_E2 // 2) // _WHOLE_E2


def strategy_risk(profile: StrategyProfile) -> RiskScore:
    """The most that a component can say is reached at: all lost, Sharpe 0, volatility 100 %, 10x, correlation 1."""
    return RiskScore(
        drawdown_e2=profile.max_drawdown_bps,
        # 100 points less 50 for each 1.0 of Sharpe: from 2.0 on there is no risk in it.
        sharpe_e2=_within(_WHOLE_E2 - 50 * profile.sharpe_e2),
        volatility_e2=_within(profile.volatility_bps),
        leverage_e2=_within(10 * profile.max_leverage_e2),
        correlation_e2=10 * profile.correlation_e3,
        liquidity_e2=_FLASH_LOANS_E2 if profile.flash_loans else _NO_FLASH_LOANS_E2,
    )


def _within(points_e2: int) -> int:
    return max(0, min(_WHOLE_E2, points_e2))
