"""The stages of a strategy, and what its performance means for the one it is in. Pure; comparisons are exact.

It gets safer at once and by figures alone. It gets riskier only when the figures allow it and guardians approve.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from decimal import Decimal

from noderr.guardian_consensus.errors import PolicyError
from noderr.types.trading.checks import check_integer, check_number, check_time
from noderr.types.trading.decimals import decimal_text, multiply
from noderr.types.trading.errors import FieldError

_DAY_S = 86_400
_SECOND_NS = 1_000_000_000
_MAX_TRADES = (1 << 63) - 1


class Stage(enum.IntEnum):
    """Shadow trades on paper, limited live with little capital, full live with all that it was given."""

    SHADOW = 0
    LIMITED_LIVE = 1
    FULL_LIVE = 2
    RETIRED = 3

    @property
    def safer(self) -> Stage | None:
        return {Stage.LIMITED_LIVE: Stage.SHADOW, Stage.FULL_LIVE: Stage.LIMITED_LIVE}.get(self)

    @property
    def riskier(self) -> Stage | None:
        return {Stage.SHADOW: Stage.LIMITED_LIVE, Stage.LIMITED_LIVE: Stage.FULL_LIVE}.get(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Performance:
    """From `since_ns` to `as_of_ns`, both UTC. `sharpe` is annualised; `drawdown` (of the peak, positive) and `pnl` (of
    the capital allocated, negative for a loss) are fractions, 0.1 for 10 %.
    """

    sharpe: Decimal
    drawdown: Decimal
    pnl: Decimal
    trades: int
    since_ns: int
    as_of_ns: int

    def __post_init__(self) -> None:
        check_number(self, "sharpe", self.sharpe)
        check_number(self, "drawdown", self.drawdown, least=0)
        check_number(self, "pnl", self.pnl)
        check_integer(self, "trades", self.trades, 0, _MAX_TRADES)
        check_time(self, "since_ns", self.since_ns)
        check_time(self, "as_of_ns", self.as_of_ns)
        if self.as_of_ns < self.since_ns:
            raise FieldError("Performance", "as_of_ns", self.as_of_ns, "not before since_ns")


@dataclass(frozen=True, slots=True)
class Insufficient:
    """There are no figures to judge by; `reason` says why."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LifecyclePolicy:
    """Units are those of `Performance`; `demote_loss` is positive. The limits have no default: who runs a network
    chooses them. Figures older than `most_age_s` are none.
    """

    promote_sharpe: Decimal
    promote_drawdown: Decimal
    promote_trades: int
    demote_drawdown: Decimal
    demote_loss: Decimal
    warn_percent: int = 80
    approvals: int = 2
    committee: int = 3
    approval_s: int = 7 * _DAY_S
    most_age_s: int = 600

    def __post_init__(self) -> None:
        check_number(self, "promote_sharpe", self.promote_sharpe)
        check_number(self, "promote_drawdown", self.promote_drawdown, least=0)
        check_integer(self, "promote_trades", self.promote_trades, 1, _MAX_TRADES)
        check_number(self, "demote_drawdown", self.demote_drawdown, above=0)
        check_number(self, "demote_loss", self.demote_loss, above=0)
        check_integer(self, "warn_percent", self.warn_percent, 1, 100)
        check_integer(self, "committee", self.committee, 1, 256)
        check_integer(self, "approvals", self.approvals, self.committee // 2 + 1, self.committee)
        check_integer(self, "approval_s", self.approval_s, 1, 365 * _DAY_S)
        check_integer(self, "most_age_s", self.most_age_s, 1, _DAY_S)
        if self.promote_drawdown >= self.demote_drawdown:
            raise PolicyError(
                f"promote_drawdown {decimal_text(self.promote_drawdown)} must be below demote_drawdown "
                f"{decimal_text(self.demote_drawdown)}: the same figures would promote and demote"
            )


class Move(enum.Enum):
    """What follows. INSUFFICIENT and AWAIT_APPROVAL leave the stage as it is, like KEEP."""

    INSUFFICIENT = "insufficient"
    KEEP = "keep"
    AWAIT_APPROVAL = "await-approval"
    PROMOTE = "promote"
    DEMOTE = "demote"


@dataclass(frozen=True, slots=True)
class Judgement:
    """`to` is the stage after it. `reasons` say why, `warnings` which limits of demotion are near."""

    move: Move
    to: Stage
    reasons: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a strategy is: since when (UTC), and how many valid approvals it has to go on."""

    stage: Stage
    entered_at_ns: int
    approvals: int


def judge(now: Standing, figures: Performance | Insufficient, policy: LifecyclePolicy, now_ns: int) -> Judgement:
    """What these figures mean for a strategy that stands there at this time."""
    if now.stage is Stage.RETIRED:
        return Judgement(Move.KEEP, now.stage, ("retired: nothing brings it back",))
    if isinstance(figures, Insufficient):
        return Judgement(Move.INSUFFICIENT, now.stage, (figures.reason,))
    # Figures from the future are a clock gone wrong, and worth as little.
    if abs(now_ns - figures.as_of_ns) > policy.most_age_s * _SECOND_NS:
        age_s = (now_ns - figures.as_of_ns) // _SECOND_NS
        return Judgement(Move.INSUFFICIENT, now.stage, (f"its figures are {age_s} s old, at most {policy.most_age_s}",))
    return _by_figures(now, figures, policy)


def _by_figures(now: Standing, figures: Performance, policy: LifecyclePolicy) -> Judgement:
    stage = now.stage
    broken, near = _demotion(figures, policy)
    if broken:
        # Also by what it lost before it entered this stage: getting safer needs no proof.
        safer = stage.safer
        return Judgement(Move.KEEP if safer is None else Move.DEMOTE, stage if safer is None else safer, broken)
    riskier, unmet = stage.riskier, _unmet(now, figures, policy)
    if riskier is None or unmet:
        return Judgement(Move.KEEP, stage, unmet, near)
    said = (f"{now.approvals} of {policy.approvals} approvals",)
    if now.approvals < policy.approvals:
        return Judgement(Move.AWAIT_APPROVAL, stage, said, near)
    return Judgement(Move.PROMOTE, riskier, said, near)


def _demotion(figures: Performance, policy: LifecyclePolicy) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The limits that are reached, and those that are near."""
    broken, near = [], []
    loss = figures.pnl.copy_negate()
    for name, found, limit in (
        ("drawdown", figures.drawdown, policy.demote_drawdown),
        ("loss", loss, policy.demote_loss),
    ):
        text = f"{name} is {decimal_text(found)}, its limit {decimal_text(limit)}"
        if found >= limit:
            broken.append(text)
        elif multiply(found, Decimal(100)) >= multiply(limit, Decimal(policy.warn_percent)):
            near.append(text)
    return tuple(broken), tuple(near)


def _unmet(now: Standing, figures: Performance, policy: LifecyclePolicy) -> tuple[str, ...]:
    checks = (
        (figures.sharpe >= policy.promote_sharpe, "Sharpe ratio", figures.sharpe, policy.promote_sharpe),
        (figures.drawdown <= policy.promote_drawdown, "drawdown", figures.drawdown, policy.promote_drawdown),
        (figures.trades >= policy.promote_trades, "trades", Decimal(figures.trades), Decimal(policy.promote_trades)),
    )
    unmet = [
        f"{name} is {decimal_text(found)}, to be promoted {decimal_text(wanted)}"
        for met, name, found, wanted in checks
        if not met
    ]
    if figures.since_ns < now.entered_at_ns:
        # What earned it this stage does not earn it the next.
        unmet.append("its figures begin before it entered this stage")
    return tuple(unmet)
