"""Guardians, a submission and reviews for tests."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from noderr.guardian_consensus.backtest_metrics import BacktestMetrics
from noderr.guardian_consensus.concern import Concern
from noderr.guardian_consensus.strategy_review_message import StrategyReview
from noderr.guardian_consensus.strategy_submission import RiskProfile, StrategySubmission
from noderr.types.consensus.signed import Signed, sign
from noderr.types.consensus.vote import Choice
from noderr.types.eip712 import Domain
from noderr.types.signing.account_key import AccountKey

EPOCH = 9
DOMAIN = Domain("NodeOS", "1", 84532, b"\xaa" * 20)
GUARDIANS = [AccountKey(bytes([number]) * 32) for number in range(1, 6)]
OUTSIDER = AccountKey(b"\x77" * 32)
COMMITTEE = tuple(key.address for key in GUARDIANS)
SUBMISSION = StrategySubmission(
    submission_id="s-1",
    strategy_id="trend.btc",
    submitter=b"\x55" * 20,
    code_digest=b"\6" * 32,
    data_digest=b"\7" * 32,
    backtest=BacktestMetrics(
        sharpe=Decimal("1.5"),
        max_drawdown=Decimal("0.12"),
        win_rate=Decimal("0.62"),
        trades=120,
        annual_return=Decimal("0.2"),
        overfit=Decimal(35),
    ),
    risk=RiskProfile(max_position=Decimal("0.1"), max_leverage=Decimal(2), stop_loss_required=True),
)


def review(*, approves: bool = True, **changes: Any) -> StrategyReview:
    """Of `SUBMISSION`; a rejection has the concern OVERFITTING unless another is given."""
    fields: dict[str, Any] = {
        "epoch": EPOCH,
        "submission": SUBMISSION.digest,
        "choice": Choice.APPROVE if approves else Choice.REJECT,
        "risk_score": 40,
        "concerns": 0 if approves else int(Concern.OVERFITTING),
        "report": b"\x08" * 32,
    }
    return StrategyReview(**{**fields, **changes})


def signed_review(guardian: int, *, approves: bool = True, **changes: Any) -> Signed[StrategyReview]:
    """Signed by the guardian of that index."""
    return sign(review(approves=approves, **changes), GUARDIANS[guardian], DOMAIN)
