"""Why a guardian rejects a trade: the `codes` of its vote, and what they mean in plain English."""

from __future__ import annotations

import enum

from noderr.guardian_consensus.codes import in_words, known_bits


class Veto(enum.IntFlag, boundary=enum.STRICT):
    """A bit that was ever signed keeps its meaning for good: add new ones at the end."""

    RISK = 1 << 0
    COMPLIANCE = 1 << 1
    SAFETY = 1 << 2
    STALE_SNAPSHOT = 1 << 3
    UNKNOWN_SNAPSHOT = 1 << 4
    UNKNOWN_RULESET = 1 << 5
    UNKNOWN_INSTRUMENT = 1 << 6
    WRONG_CERTIFICATE = 1 << 7
    WRONG_ORDER = 1 << 8
    EXPIRED = 1 << 9
    EVALUATOR_FAILED = 1 << 10
    EVALUATOR_TIMED_OUT = 1 << 11
    NO_EVALUATOR = 1 << 12


NO_VETO = Veto(0)

_WORDS = {
    Veto.RISK: "a risk limit would be broken",
    Veto.COMPLIANCE: "a rule of compliance forbids it",
    Veto.SAFETY: "trading is stopped or restricted",
    Veto.STALE_SNAPSHOT: "the portfolio that it is judged on is too old",
    Veto.UNKNOWN_SNAPSHOT: "this guardian does not have the portfolio that it is judged on",
    Veto.UNKNOWN_RULESET: "this guardian judges by other rules",
    Veto.UNKNOWN_INSTRUMENT: "what is to be traded is not known here",
    Veto.WRONG_CERTIFICATE: "the oracles' certificate is missing, invalid, or about another signal",
    Veto.WRONG_ORDER: "the order does not follow from the signal",
    Veto.EXPIRED: "the proposal has expired",
    Veto.EVALUATOR_FAILED: "a check failed to run",
    Veto.EVALUATOR_TIMED_OUT: "a check did not end in time",
    Veto.NO_EVALUATOR: "this guardian has no check to ask yet",
}


def parse_veto(number: object) -> Veto:
    """The codes of a vote. Raises `CodeError` for a bit that means nothing here."""
    return known_bits(Veto, number)


def describe_veto(codes: Veto) -> tuple[str, ...]:
    """One phrase a code, lowest bit first."""
    return in_words(_WORDS, codes)
