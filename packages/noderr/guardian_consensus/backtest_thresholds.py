"""What a backtest must come to before a strategy may trade. Comparisons are exact: no figure is rounded."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from noderr.guardian_consensus.backtest_metrics import BacktestMetrics
from noderr.types.trading.decimals import decimal_text

FULL_SCORE_BPS = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class BacktestThresholds:
    """Units are those of `BacktestMetrics`. A figure that just meets its threshold passes."""

    least_sharpe: Decimal = Decimal("1.0")
    most_drawdown: Decimal = Decimal("0.20")
    least_win_rate: Decimal = Decimal("0.55")
    least_trades: int = 50
    most_overfit: Decimal = Decimal(70)


@dataclass(frozen=True, slots=True)
class Assessment:
    """`failures` says of each threshold that was not met what was found and what was wanted."""

    score_bps: int
    failures: tuple[str, ...]

    @property
    def passed(self) -> bool:
        """Whether every threshold is met; four of five are not enough, whatever the score."""
        return not self.failures


def assess_backtest(metrics: BacktestMetrics, thresholds: BacktestThresholds) -> Assessment:
    """The share of thresholds met, in basis points, and what failed."""
    checks = (
        _least("Sharpe ratio", metrics.sharpe, thresholds.least_sharpe),
        _most("maximum drawdown", metrics.max_drawdown, thresholds.most_drawdown),
        _least("win rate", metrics.win_rate, thresholds.least_win_rate),
        _least("trades", Decimal(metrics.trades), Decimal(thresholds.least_trades)),
        _most("overfit score", metrics.overfit, thresholds.most_overfit),
    )
    failures = tuple(failure for failure in checks if failure)
    return Assessment((len(checks) - len(failures)) * FULL_SCORE_BPS // len(checks), failures)


def _least(name: str, found: Decimal, least: Decimal) -> str:
    return "" if found >= least else f"{name} is {decimal_text(found)}, and must be at least {decimal_text(least)}"


def _most(name: str, found: Decimal, most: Decimal) -> str:
    return "" if found <= most else f"{name} is {decimal_text(found)}, and must be at most {decimal_text(most)}"
