"""What a committee's backtests of one strategy agree on: the median of each figure, and whose results are far from it.

Two honest runs differ in the last digits, so results are never compared for equality, rounded or not. Who is far off is
told by the median absolute deviation (MAD), after Iglewicz and Hoaglin (1993): a modified z-score above 3.5.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from noderr.guardian_consensus.backtest_metrics import BacktestMetrics
from noderr.guardian_consensus.errors import AgreementError
from noderr.types.trading.decimals import add, multiply

LEAST_RESULTS = 3
# |x - median| * 0.6745 / MAD > 3.5, without dividing.
_SCALE, _CUT = Decimal("0.6745"), Decimal("3.5")
_LESS_IS_BETTER = {
    "sharpe": False,
    "max_drawdown": True,
    "win_rate": False,
    "trades": False,
    "annual_return": False,
    "overfit": True,
}
"""The figures of `BacktestMetrics`, and which way they flatter."""


def _tolerances() -> Mapping[str, Decimal]:
    return {
        "sharpe": Decimal("0.01"),
        "max_drawdown": Decimal("0.001"),
        "win_rate": Decimal("0.001"),
        "trades": Decimal(1),
        "annual_return": Decimal("0.001"),
        "overfit": Decimal(1),
    }


@dataclass(frozen=True, slots=True)
class AgreementPolicy:
    """`tolerances` by figure, in its unit: who is off by no more is no outlier, however close the others are."""

    tolerances: Mapping[str, Decimal] = field(default_factory=_tolerances)


@dataclass(frozen=True, slots=True)
class Agreement:
    """`outliers` names the figures in which a guardian is far from the median; who is not in it is in none."""

    median: BacktestMetrics
    outliers: Mapping[bytes, tuple[str, ...]]


def agree(results: Mapping[bytes, BacktestMetrics], policy: AgreementPolicy) -> Agreement:
    """What these guardians' results agree on, whoever sent first. Raises `AgreementError` for less than three.

    While less than half of them lie, each figure of the median is between two honest ones. Of an even number of results
    it is the less flattering one of the two in the middle.
    """
    if len(results) < LEAST_RESULTS:
        raise AgreementError(f"{len(results)} results: at least {LEAST_RESULTS} are needed; wait for more or expire")
    medians: dict[str, Decimal] = {}
    outliers: dict[bytes, tuple[str, ...]] = {}
    for figure, less_is_better in _LESS_IS_BETTER.items():
        values = {guardian: Decimal(getattr(metrics, figure)) for guardian, metrics in results.items()}
        medians[figure] = middle = _median(values, upper=less_is_better)
        deviations = {guardian: add(value, middle.copy_negate()).copy_abs() for guardian, value in values.items()}
        mad = _median(deviations, upper=True)  # In doubt for the accused.
        for guardian in sorted(deviations):
            if _is_far(deviations[guardian], mad, policy.tolerances[figure]):
                outliers[guardian] = (*outliers.get(guardian, ()), figure)
    return Agreement(BacktestMetrics(**{**medians, "trades": int(medians["trades"])}), outliers)  # type: ignore[arg-type]


def _is_far(deviation: Decimal, mad: Decimal, tolerance: Decimal) -> bool:
    return deviation > tolerance and multiply(deviation, _SCALE) > multiply(mad, _CUT)


def _median(values: Mapping[bytes, Decimal], *, upper: bool) -> Decimal:
    return sorted(values.values())[(len(values) - (not upper)) // 2]
