"""Who judges a proposal: the shape that risk, compliance and safety have, and what a guardian makes of the three."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import structlog

from noderr.guardian_consensus.errors import VerdictError
from noderr.guardian_consensus.veto import NO_VETO, Veto, describe_veto, parse_veto
from noderr.types.canonical_json import canonical_json
from noderr.types.consensus.trade_proposal import TradeProposal
from noderr.types.consensus.vote import Choice
from noderr.utils import Clock, TimeLimitError, within

_log = structlog.get_logger("noderr.guardian_consensus.evaluator")


@dataclass(frozen=True, slots=True)
class Verdict:
    """`report` is canonical JSON, for people and auditors. A rejection has codes, and nothing else has."""

    choice: Choice
    codes: Veto
    report: bytes

    def __post_init__(self) -> None:
        if (Choice(self.choice) is Choice.REJECT) != bool(parse_veto(self.codes)):
            raise VerdictError(
                f"{Choice(self.choice).name} with codes {int(self.codes):#x}: a rejection has some, no other has"
            )
        try:
            canonical = canonical_json(json.loads(self.report)) == self.report
        except (ValueError, TypeError) as error:
            raise VerdictError(f"the report is no canonical JSON: {error}: make it with `canonical_json`") from error
        if not canonical:
            raise VerdictError("the report is JSON in another writing than the canonical one: use `canonical_json`")

    @property
    def report_digest(self) -> bytes:
        """SHA-256 of the report: `canonical_digest` of what it was made of."""
        return hashlib.sha256(self.report).digest()


def approve(report: Mapping[str, object]) -> Verdict:
    """Raises `CanonicalError` for a report that has no canonical text, as do the next two."""
    return Verdict(Choice.APPROVE, NO_VETO, canonical_json(report))


def reject(codes: Veto, report: Mapping[str, object]) -> Verdict:
    """Raises `VerdictError` when there is no code."""
    return Verdict(Choice.REJECT, codes, canonical_json(report))


def abstain(report: Mapping[str, object]) -> Verdict:
    """For who cannot tell and knows no reason against it."""
    return Verdict(Choice.ABSTAIN, NO_VETO, canonical_json(report))


class Evaluator(Protocol):
    """Judges a proposal by what it pins. Clocks and what was approved before may turn a yes into a no, never back."""

    async def evaluate(self, proposal: TradeProposal) -> Verdict:
        """May raise anything: that is a rejection."""

    def missing(self) -> Sequence[str]:
        """What it still waits for, in words, for /ready; empty when it can judge."""


class Refusing:
    """Stands where a gate does not exist yet, and says so: it rejects everything."""

    def __init__(self, what: str) -> None:
        """`what` is missing, such as "the risk gate"."""
        self._what = what

    async def evaluate(self, proposal: TradeProposal) -> Verdict:
        return reject(Veto.NO_EVALUATOR, {"missing": self._what})

    def missing(self) -> Sequence[str]:
        return (f"{self._what} is not there: every trade is rejected",)


class AllOf:
    """Asks all three at once. One rejection rejects, with the codes of all; a failure or no answer in time is one.

    It approves only what all three approve; what nobody rejects and somebody abstains from it abstains from.
    """

    def __init__(
        self, *, risk: Evaluator, compliance: Evaluator, safety: Evaluator, clock: Clock, limit_s: float = 2.0
    ) -> None:
        """Each may take `limit_s` seconds."""
        self._parts: dict[str, Evaluator] = {"risk": risk, "compliance": compliance, "safety": safety}
        self._clock = clock
        self._limit_s = limit_s

    async def evaluate(self, proposal: TradeProposal) -> Verdict:
        """Raises nothing."""
        verdicts = await asyncio.gather(*(self._ask(name, part, proposal) for name, part in self._parts.items()))
        codes = NO_VETO
        for verdict in verdicts:
            codes |= verdict.codes
        report = {
            "proposal": proposal.digest,
            "parts": {name: _shown(verdict) for name, verdict in zip(self._parts, verdicts, strict=True)},
        }
        if codes:
            return reject(codes, report)
        approved = all(verdict.choice is Choice.APPROVE for verdict in verdicts)
        return approve(report) if approved else abstain(report)

    def missing(self) -> Sequence[str]:
        return tuple(f"{name}: {text}" for name, part in self._parts.items() for text in part.missing())

    async def _ask(self, name: str, part: Evaluator, proposal: TradeProposal) -> Verdict:
        try:
            verdict = await within(self._limit_s, self._clock, part.evaluate(proposal))
        except TimeLimitError as error:
            _log.error("evaluator_timed_out", evaluator=name, proposal=proposal.digest.hex(), reason=str(error))
            return reject(Veto.EVALUATOR_TIMED_OUT, {"limit_s": str(self._limit_s)})
        except asyncio.CancelledError as error:
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                raise  # It is us who are cancelled; otherwise the part cancelled itself.
            return self._failed(name, proposal, error)
        except Exception as error:  # Whatever it is, it is no approval.
            return self._failed(name, proposal, error)
        if not isinstance(verdict, Verdict):  # What the types forbid must not approve a trade either.
            return self._failed(  # type: ignore[unreachable]
                name, proposal, VerdictError(f"{name} answered {verdict!r}: it must be a Verdict")
            )
        return verdict

    def _failed(self, name: str, proposal: TradeProposal, error: BaseException) -> Verdict:
        _log.error("evaluator_failed", evaluator=name, proposal=proposal.digest.hex(), exc_info=error)
        # Not the error's text: it may hold what differs from run to run.
        return reject(Veto.EVALUATOR_FAILED, {"error": type(error).__name__})


def _shown(verdict: Verdict) -> Mapping[str, object]:
    return {
        "choice": verdict.choice.name,
        "codes": int(verdict.codes),
        "reasons": describe_veto(verdict.codes),
        "report": json.loads(verdict.report),
    }
