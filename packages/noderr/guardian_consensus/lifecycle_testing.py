"""A policy, figures and approvals for tests of the strategies' lifecycles."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

from noderr.guardian_consensus.lifecycle import LifecyclePolicy, Performance, Stage
from noderr.guardian_consensus.lifecycle_book import LifecycleBook
from noderr.guardian_consensus.lifecycle_rows import Committee
from noderr.guardian_consensus.promotion_approval import PromotionApproval
from noderr.guardian_consensus.review_testing import DOMAIN, EPOCH, GUARDIANS
from noderr.types.consensus.signed import AccountSignatures, Signed, sign
from noderr.utils import ManualClock

START_S = 1_790_000_000
WEEK_S = 7 * 86_400
STRATEGY = b"\x21" * 32
THREE = Committee(EPOCH, tuple(key.address for key in GUARDIANS[:3]))
POLICY = LifecyclePolicy(
    promote_sharpe=Decimal("1.0"),
    promote_drawdown=Decimal("0.10"),
    promote_trades=50,
    demote_drawdown=Decimal("0.20"),
    demote_loss=Decimal("0.15"),
)


def clock_at_start() -> ManualClock:
    return ManualClock(START_S * 10**9)


def figures(clock: ManualClock, **changes: Any) -> Performance:
    """Good enough to be promoted, measured now; since now too, unless another `since_ns` is given."""
    fields: dict[str, Any] = {
        "sharpe": Decimal("1.5"),
        "drawdown": Decimal("0.05"),
        "pnl": Decimal("0.03"),
        "trades": 60,
        "since_ns": clock.now_ns(),
        "as_of_ns": clock.now_ns(),
    }
    return Performance(**{**fields, **changes})


def approval(guardian: int, **changes: Any) -> Signed[PromotionApproval]:
    """From shadow to limited live, for seven days from the start, signed by the guardian of that index."""
    fields: dict[str, Any] = {
        "epoch": EPOCH,
        "strategy": STRATEGY,
        "step": 0,
        "stage": Stage.LIMITED_LIVE,
        "expires_at_s": START_S + WEEK_S,
    }
    return sign(PromotionApproval(**{**fields, **changes}), GUARDIANS[guardian], DOMAIN)


@asynccontextmanager
async def opened_book(folder: Path, clock: ManualClock) -> AsyncIterator[LifecycleBook]:
    book = LifecycleBook(folder, POLICY, DOMAIN, AccountSignatures(), clock)
    try:
        yield book
    finally:
        await book.close()
