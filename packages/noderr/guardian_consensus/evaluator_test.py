"""Verdicts and how three become one: nothing but three approvals in time is an approval."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from noderr.guardian_consensus.errors import VerdictError
from noderr.guardian_consensus.evaluator import AllOf, Refusing, Verdict, abstain, approve, reject
from noderr.guardian_consensus.proposal_testing import proposal
from noderr.guardian_consensus.veto import NO_VETO, Veto
from noderr.types.canonical_json import CanonicalError, canonical_digest
from noderr.types.consensus.trade_proposal import TradeProposal
from noderr.types.consensus.vote import Choice
from noderr.utils import ManualClock

PROPOSAL = proposal()
LIMIT_S = 2.0


class Part:
    """An evaluator that answers what it is told to, after some time."""

    def __init__(self, clock: ManualClock, answer: Verdict | Exception | None = None, after_s: float = 0) -> None:
        self._clock = clock
        self._answer = approve({"fine": True}) if answer is None else answer
        self._after_s = after_s
        self.asked: list[TradeProposal] = []

    async def evaluate(self, proposal: TradeProposal) -> Verdict:
        self.asked.append(proposal)
        await self._clock.sleep(self._after_s)
        if isinstance(self._answer, Exception):
            raise self._answer
        return self._answer

    def missing(self) -> Sequence[str]:
        return ()


async def judged(clock: ManualClock, *parts: object) -> Verdict:
    risk, compliance, safety = parts
    gate = AllOf(risk=risk, compliance=compliance, safety=safety, clock=clock, limit_s=LIMIT_S)  # type: ignore[arg-type]
    task = asyncio.create_task(gate.evaluate(PROPOSAL))
    await clock.advance(LIMIT_S)
    return await task


async def test_three_approvals_approve_and_each_saw_the_proposal() -> None:
    clock = ManualClock()
    parts = [Part(clock), Part(clock), Part(clock, after_s=1.9)]
    verdict = await judged(clock, *parts)
    assert (verdict.choice, verdict.codes) == (Choice.APPROVE, NO_VETO)
    assert [part.asked for part in parts] == [[PROPOSAL]] * 3
    report = json.loads(verdict.report)
    assert report["proposal"] == "0x" + PROPOSAL.digest.hex()
    assert report["parts"]["safety"] == {"choice": "APPROVE", "codes": "0", "reasons": [], "report": {"fine": True}}


@pytest.mark.parametrize("place", range(3))
async def test_one_rejection_rejects_wherever_it_comes_from(place: int) -> None:
    clock = ManualClock()
    parts = [Part(clock) for _ in range(3)]
    parts[place] = Part(clock, reject(Veto.STALE_SNAPSHOT, {}))
    verdict = await judged(clock, *parts)
    assert (verdict.choice, verdict.codes) == (Choice.REJECT, Veto.STALE_SNAPSHOT)


async def test_codes_are_those_of_all() -> None:
    clock = ManualClock()
    parts = [Part(clock, reject(veto, {})) for veto in (Veto.RISK, Veto.RISK | Veto.EXPIRED, Veto.SAFETY)]
    verdict = await judged(clock, *parts)
    assert verdict.codes == Veto.RISK | Veto.EXPIRED | Veto.SAFETY


@pytest.mark.parametrize("place", range(3))
async def test_a_failure_rejects(place: int) -> None:
    clock = ManualClock()
    parts = [Part(clock) for _ in range(3)]
    parts[place] = Part(clock, ConnectionError("no answer from 0x7f12"))
    verdict = await judged(clock, *parts)
    assert (verdict.choice, verdict.codes) == (Choice.REJECT, Veto.EVALUATOR_FAILED)
    assert b"ConnectionError" in verdict.report
    assert b"0x7f12" not in verdict.report


@pytest.mark.parametrize("place", range(3))
async def test_no_answer_in_time_rejects_even_if_it_would_be_an_approval(place: int) -> None:
    clock = ManualClock()
    parts = [Part(clock) for _ in range(3)]
    parts[place] = Part(clock, after_s=LIMIT_S + 0.001)
    verdict = await judged(clock, *parts)
    assert (verdict.choice, verdict.codes) == (Choice.REJECT, Veto.EVALUATOR_TIMED_OUT)


class CancelsItself(Part):
    async def evaluate(self, proposal: TradeProposal) -> Verdict:
        raise asyncio.CancelledError


class AnswersNonsense(Part):
    async def evaluate(self, proposal: TradeProposal) -> Verdict:
        return True  # type: ignore[return-value]


class NoCoroutine(Part):
    def evaluate(self, proposal: TradeProposal) -> Verdict:  # type: ignore[override]
        return approve({})


@pytest.mark.parametrize("kind", [CancelsItself, AnswersNonsense, NoCoroutine])
async def test_what_answers_nonsense_rejects(kind: Callable[[ManualClock], Part]) -> None:
    clock = ManualClock()
    verdict = await judged(clock, Part(clock), kind(clock), Part(clock))
    assert (verdict.choice, verdict.codes) == (Choice.REJECT, Veto.EVALUATOR_FAILED)


async def test_an_abstention_is_no_approval() -> None:
    clock = ManualClock()
    verdict = await judged(clock, Part(clock), Part(clock, abstain({})), Part(clock))
    assert verdict.choice is Choice.ABSTAIN
    verdict = await judged(clock, Part(clock), Part(clock, abstain({})), Part(clock, reject(Veto.RISK, {})))
    assert verdict.choice is Choice.REJECT


async def test_whoever_asks_can_give_up() -> None:
    clock = ManualClock()
    part = Part(clock, after_s=1)
    gate = AllOf(risk=part, compliance=part, safety=part, clock=clock)
    task = asyncio.create_task(gate.evaluate(PROPOSAL))
    await clock.advance(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


ANSWERS = st.one_of(
    st.just(approve({"fine": True})),
    st.just(abstain({})),
    st.sampled_from(list(Veto)).map(lambda veto: reject(veto, {"n": 1})),
    st.sampled_from([ValueError("x"), OSError("y")]),
)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(ANSWERS, st.sampled_from([0.0, 0.5, 1.5, 2.5])), min_size=3, max_size=3))
def test_the_verdict_follows_from_the_parts_and_not_from_who_is_first(
    drawn: list[tuple[Verdict | Exception, float]],
) -> None:
    async def once(order: Sequence[float]) -> Verdict:
        clock = ManualClock()
        parts = [Part(clock, answer, after) for (answer, _), after in zip(drawn, order, strict=True)]
        with capture_logs():  # Printing what went wrong takes longer than all else.
            return await judged(clock, *parts)

    times = [after for _, after in drawn]
    verdict = asyncio.run(once(times))
    assert verdict == asyncio.run(once(times))
    in_time = all(after < LIMIT_S for after in times)
    if in_time:
        # Who answers first makes no difference as long as all are in time.
        assert verdict == asyncio.run(once([0.1, 0.0, 0.2]))
    approvals = [isinstance(answer, Verdict) and answer.choice is Choice.APPROVE for answer, _ in drawn]
    assert (verdict.choice is Choice.APPROVE) == (all(approvals) and in_time)


async def test_what_does_not_exist_rejects_and_says_so() -> None:
    clock = ManualClock()
    refusing = Refusing("the risk gate")
    gate = AllOf(risk=refusing, compliance=Part(clock), safety=Part(clock), clock=clock)
    assert gate.missing() == ("risk: the risk gate is not there: every trade is rejected",)
    verdict = await gate.evaluate(PROPOSAL)
    assert (verdict.choice, verdict.codes) == (Choice.REJECT, Veto.NO_EVALUATOR)


@pytest.mark.parametrize(
    ("choice", "codes"),
    [(Choice.APPROVE, Veto.RISK), (Choice.ABSTAIN, Veto.RISK), (Choice.REJECT, NO_VETO)],
)
def test_a_verdict_that_contradicts_itself_is_refused(choice: Choice, codes: Veto) -> None:
    with pytest.raises(VerdictError, match="a rejection has some, no other has"):
        Verdict(choice, codes, b"{}")


@pytest.mark.parametrize("report", [b"", b"no json", b'{"a": "b"}', b'{"b":"1","a":"2"}', b'{"a":1}', b'{"a":1.5}'])
def test_a_report_in_another_writing_is_refused(report: bytes) -> None:
    with pytest.raises(VerdictError, match="canonical"):
        Verdict(Choice.APPROVE, NO_VETO, report)


def test_a_report_has_the_digest_of_what_it_was_made_of() -> None:
    assert approve({"limit": 5}).report_digest == canonical_digest({"limit": 5})
    with pytest.raises(CanonicalError):
        approve({"limit": 0.5})
