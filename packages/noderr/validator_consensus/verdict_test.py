"""Verdicts: every combination of what four checks can say, and its codes there and back."""

from __future__ import annotations

import copy
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from noderr.core.consensus.testing import NOW_S
from noderr.types.consensus import Choice
from noderr.types.trading import FieldError
from noderr.validator_consensus.checks import CheckBit, CheckResult, CheckStatus
from noderr.validator_consensus.errors import VerdictError
from noderr.validator_consensus.execution_testing import Trade
from noderr.validator_consensus.verdict import Verdict, attestation, check_attestation, read_codes, verdict

REPORT = Trade().report
PASSED, FAILED, INSUFFICIENT = (CheckResult(status) for status in CheckStatus)


@pytest.mark.parametrize("said", list(itertools.product((PASSED, FAILED, INSUFFICIENT), repeat=4)))
def test_all_81_combinations(said: tuple[CheckResult, ...]) -> None:
    found = verdict(dict(zip(CheckBit, said, strict=True)))
    if FAILED in said:
        assert found.choice is Choice.REJECT
    elif said == (PASSED,) * 4:
        assert found.choice is Choice.APPROVE
    else:
        assert found.choice is Choice.ABSTAIN
    for number, result in enumerate(said):
        assert bool(found.codes & 1 << number) == (result is PASSED)
        assert bool(found.codes & 1 << (16 + number)) == (result is FAILED)
    assert read_codes(found.codes) == found


def test_a_missing_check_could_not_tell() -> None:
    three: dict[CheckBit, CheckResult] = {bit: PASSED for bit in CheckBit if bit is not CheckBit.SETTLEMENT}
    assert verdict(three) == Verdict(CheckBit(7))
    assert verdict(three).choice is Choice.ABSTAIN
    assert verdict({}).choice is Choice.ABSTAIN


@pytest.mark.parametrize("bit", [CheckBit(15), CheckBit(16), CheckBit(0)])
def test_one_result_does_not_stand_for_several_checks(bit: CheckBit) -> None:
    with pytest.raises(VerdictError, match="is not one check"):
        verdict({bit: PASSED})


@given(st.integers(0, 2**32 - 1))
def test_codes_are_read_in_one_way_or_refused(codes: int) -> None:
    known = codes & 0x000F000F == codes and not codes & 0xF & codes >> 16
    try:
        assert read_codes(codes).codes == codes
        assert known
    except VerdictError:
        assert not known


@pytest.mark.parametrize(
    ("codes", "reason"),
    [
        (0x10, "0x10 has bits that no check has"),
        (0x10_0000, "0x10 has bits that no check has"),
        (0x8000_0000, "bits that no check has"),
        (0x1_0001, "ORACLE_CERTIFICATE passed and failed"),
        (1 << 32, "must be a uint32"),
        (-1, "must be a uint32"),
    ],
)
def test_codes_that_mean_nothing_are_refused(codes: int, reason: str) -> None:
    with pytest.raises(VerdictError, match=reason):
        read_codes(codes)


def test_an_attestation_is_about_the_report() -> None:
    said = Verdict(CheckBit(15))
    vote = attestation(REPORT, said, NOW_S + 30)
    assert (vote.tier, vote.epoch, vote.round, vote.topic) == (1, 1, 7, REPORT.execution.trade_id)
    assert (vote.subject, vote.choice, vote.codes) == (REPORT.digest, Choice.APPROVE, 15)
    assert check_attestation(vote) == said
    with pytest.raises(FieldError, match="expires_at_s"):
        attestation(REPORT, said, 0)


@pytest.mark.parametrize("choice", [Choice.REJECT, Choice.ABSTAIN])
def test_a_vote_that_its_codes_contradict_is_refused(choice: Choice) -> None:
    vote = copy.replace(attestation(REPORT, Verdict(CheckBit(15)), NOW_S), choice=choice)
    with pytest.raises(VerdictError, match=f"says {choice.name}, and its codes 0xf APPROVE"):
        check_attestation(vote)
