"""A strategy handed in for review: who hands it in, which code, what its backtest came to, how much it may risk."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from noderr.guardian_consensus.backtest_metrics import BacktestMetrics
from noderr.types.canonical_json import canonical_digest
from noderr.types.signing.account_key import ADDRESS_BYTES
from noderr.types.trading.checks import check_bytes, check_id, check_number
from noderr.types.trading.errors import FieldError


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskProfile:
    """`max_position` is a fraction of the capital, 0 to 1; `max_leverage` is exposure per capital, 1 without debt."""

    max_position: Decimal
    max_leverage: Decimal
    stop_loss_required: bool

    def __post_init__(self) -> None:
        check_number(self, "max_position", self.max_position, above=0)
        if self.max_position > 1:
            raise FieldError("RiskProfile", "max_position", self.max_position, "a fraction of the capital, at most 1")
        check_number(self, "max_leverage", self.max_leverage, above=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class StrategySubmission:
    """`submission_id` is one hand-in, `strategy_id` the strategy, which may be handed in again when it has changed.

    `submitter` is an address of 20 bytes, `code_digest` the SHA-256 of the code, `data_digest` that of the data which
    the backtest ran on.
    """

    submission_id: str
    strategy_id: str
    submitter: bytes
    code_digest: bytes
    data_digest: bytes
    backtest: BacktestMetrics
    risk: RiskProfile

    def __post_init__(self) -> None:
        check_id(self, "submission_id", self.submission_id)
        check_id(self, "strategy_id", self.strategy_id)
        check_bytes(self, "submitter", self.submitter, ADDRESS_BYTES)
        check_bytes(self, "code_digest", self.code_digest, 32)
        check_bytes(self, "data_digest", self.data_digest, 32)

    @property
    def digest(self) -> bytes:
        """SHA-256 of the canonical text, 32 bytes: what reviews are of."""
        return canonical_digest(self)
