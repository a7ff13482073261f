"""What a reviewer has against a strategy: bits, so that two reviewers who mean the same say the same."""

from __future__ import annotations

import enum

from noderr.guardian_consensus.codes import in_words, known_bits


class Concern(enum.IntFlag, boundary=enum.STRICT):
    """A bit that was ever signed keeps its meaning for good: add new ones at the end."""

    OVERFITTING = 1 << 0
    LOOK_AHEAD = 1 << 1
    TOO_FEW_TRADES = 1 << 2
    COSTS_IGNORED = 1 << 3
    DRAWDOWN = 1 << 4
    LEVERAGE = 1 << 5
    CONCENTRATION = 1 << 6
    ILLIQUIDITY = 1 << 7
    NO_STOP_LOSS = 1 << 8
    COMPLIANCE = 1 << 9
    CODE_UNREADABLE = 1 << 10
    NOT_REPRODUCED = 1 << 11


NO_CONCERN = Concern(0)

_WORDS = {
    Concern.OVERFITTING: "fitted to its data: other periods or parameters give much less",
    Concern.LOOK_AHEAD: "the backtest uses what was not known at the time",
    Concern.TOO_FEW_TRADES: "too few trades to tell skill from luck",
    Concern.COSTS_IGNORED: "fees, slippage or funding are missing or too low",
    Concern.DRAWDOWN: "it can lose too much before it recovers",
    Concern.LEVERAGE: "its leverage is too high",
    Concern.CONCENTRATION: "its positions are too large or too alike",
    Concern.ILLIQUIDITY: "its markets cannot take its orders",
    Concern.NO_STOP_LOSS: "nothing ends a losing position",
    Concern.COMPLIANCE: "a rule of compliance stands against it",
    Concern.CODE_UNREADABLE: "the code is not there, or not the code of the digest",
    Concern.NOT_REPRODUCED: "its backtest could not be reproduced",
}


def parse_concerns(number: object) -> Concern:
    """The concerns of a review. Raises `CodeError` for a bit that means nothing here."""
    return known_bits(Concern, number)


def describe_concerns(concerns: Concern) -> tuple[str, ...]:
    """One phrase a concern, lowest bit first."""
    return in_words(_WORDS, concerns)
