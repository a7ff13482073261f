"""What a series of oracle rounds is about, and its rules. Every oracle of the committee has the same."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from noderr.types.consensus.agreed_signal import market_topic

SECOND_NS = 1_000_000_000
# Sent again sooner, messages that are only slow would come twice, and all of them slower.
_LEAST_RESEND_NS = SECOND_NS // 2


@dataclass(frozen=True, kw_only=True)
class Market:
    """One symbol and horizon. `models` are the hashes of models that count; `dead_band_e8` bounds what is a HOLD."""

    symbol: str
    horizon_seconds: int
    models: frozenset[bytes]
    dead_band_e8: int = 10_000  # a log return of one basis point
    max_age_seconds: int = 60
    max_lead_seconds: int = 2

    @cached_property
    def topic(self) -> bytes:
        """32 bytes that every message of the rounds carries."""
        return market_topic(self.symbol, self.horizon_seconds)


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """How long a round's parts may take, in nanoseconds. What is complete earlier goes on earlier."""

    commit_ns: int = 4 * SECOND_NS
    reveal_ns: int = 4 * SECOND_NS
    # A report (3 s) and the votes on it (4 s).
    view_ns: int = 7 * SECOND_NS
    views: int = 3
    resend_ns: int = SECOND_NS // 2
    valid_seconds: int = 60

    @classmethod
    def fitting(cls, period_ns: int) -> Timing:
        """The same parts of a round that fits into a slot of `period_ns`, with a thirtieth to spare."""
        second_ns = period_ns // 30
        return cls(
            commit_ns=4 * second_ns,
            reveal_ns=4 * second_ns,
            view_ns=7 * second_ns,
            resend_ns=max(second_ns // 2, _LEAST_RESEND_NS),
        )

    @property
    def round_ns(self) -> int:
        """When a round that has not decided has failed, counted from its start."""
        return self.commit_ns + self.reveal_ns + self.views * self.view_ns
