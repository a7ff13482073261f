"""What a validator says of an execution, from what its four checks say. Pure.

`codes` of the vote: bits 0 to 3 are the checks that passed, bits 16 to 19 those that failed, in the order of
`CheckBit`. A check that could not tell is in neither. All other bits are 0.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from noderr.types.consensus import Choice, Vote
from noderr.types.consensus.execution import ExecutionReport
from noderr.validator_consensus.checks import CheckBit, CheckResult, CheckStatus
from noderr.validator_consensus.errors import VerdictError

_FAILED_SHIFT = 16
_NONE = CheckBit(0)
_ALL = CheckBit(sum(CheckBit))


@dataclass(frozen=True, slots=True)
class Verdict:
    """All four passed: APPROVE. Any failed: REJECT. Otherwise ABSTAIN."""

    passed: CheckBit = _NONE
    failed: CheckBit = _NONE

    def __post_init__(self) -> None:
        for bits in (self.passed, self.failed):
            if not 0 <= bits <= _ALL:
                raise VerdictError(f"{int(bits):#x} has bits that no check has: is the sender newer than this?")
        if both := self.passed & self.failed:
            raise VerdictError(f"{both.name} passed and failed: a check says one thing")

    @property
    def choice(self) -> Choice:
        if self.failed:
            return Choice.REJECT
        return Choice.APPROVE if self.passed == _ALL else Choice.ABSTAIN

    @property
    def codes(self) -> int:
        """A uint32."""
        return int(self.passed) | int(self.failed) << _FAILED_SHIFT


def verdict(results: Mapping[CheckBit, CheckResult]) -> Verdict:
    """From the results of the checks; one that is missing could not tell. Raises `VerdictError` for an unknown one."""
    passed = failed = _NONE
    for bit, result in results.items():
        if bit not in tuple(CheckBit):
            raise VerdictError(f"{int(bit):#x} is not one check: each has its own result")
        if result.status is CheckStatus.PASSED:
            passed |= bit
        elif result.status is CheckStatus.FAILED:
            failed |= bit
    return Verdict(passed, failed)


def read_codes(codes: int) -> Verdict:
    """The verdict that a vote's codes stand for. Raises `VerdictError` for unknown bits."""
    if not 0 <= codes < 1 << 32:
        raise VerdictError(f"codes are {codes}: they must be a uint32")
    return Verdict(CheckBit(codes & (1 << _FAILED_SHIFT) - 1), CheckBit(codes >> _FAILED_SHIFT))


def attestation(report: ExecutionReport, said: Verdict, expires_at_s: int) -> Vote:
    """The vote that says so, until `expires_at_s` (Unix seconds). Raises `FieldError`."""
    return Vote(
        tier=report.tier,
        epoch=report.epoch,
        round=report.round,
        topic=report.topic,
        subject=report.digest,
        choice=said.choice,
        codes=said.codes,
        expires_at_s=expires_at_s,
    )


def check_attestation(vote: Vote) -> Verdict:
    """The verdict that another validator's vote gives. Raises `VerdictError` when its choice is not what follows."""
    said = read_codes(vote.codes)
    if said.choice is not vote.choice:
        raise VerdictError(
            f"the vote says {Choice(vote.choice).name}, and its codes {vote.codes:#x} {said.choice.name}"
        )
    return said
