"""Whose report gets a round: the one of a trade's own executor, and nobody else's."""

from __future__ import annotations

import copy
from types import SimpleNamespace
from typing import cast

import pytest

from noderr.core.consensus.testing import DOMAIN, voter_set
from noderr.core.consensus.voter import Voter
from noderr.types.consensus import AccountSignatures, Reason, RefusedMessage, sign
from noderr.types.signing.account_key import AccountKey
from noderr.utils import SystemClock
from noderr.validator_consensus.execution_testing import KEYS, Trade
from noderr.validator_consensus.parts import ReportJudge
from noderr.validator_consensus.request import AttestationRequest, request_from_wire, request_to_wire

WHOLE = Trade()
VOTERS = voter_set(KEYS, tier=1, epoch=WHOLE.report.epoch)
VOTER = cast(
    Voter, SimpleNamespace(context=SimpleNamespace(voters=VOTERS, domain=DOMAIN, signatures=AccountSignatures()))
)


def reported_by(key: AccountKey) -> AttestationRequest:
    """The trade, told and signed by this one as its own."""
    execution = copy.replace(WHOLE.execution, executor=key.address)
    signed = sign(copy.replace(WHOLE.report, execution=execution), key, DOMAIN)
    return request_from_wire(request_to_wire(AttestationRequest(signed, WHOLE.evidence)))


def test_the_executor_reports_its_trade() -> None:
    ReportJudge(SystemClock()).check(reported_by(KEYS[0]), VOTER)


@pytest.mark.parametrize(
    ("key", "reason"), [(KEYS[1], Reason.WRONG_SUBJECT), (AccountKey(b"\x77" * 32), Reason.NOT_A_MEMBER)]
)
def test_nobody_reports_the_trade_of_another(key: AccountKey, reason: Reason) -> None:
    with pytest.raises(RefusedMessage) as caught:
        ReportJudge(SystemClock()).check(reported_by(key), VOTER)
    assert caught.value.reason is reason


def test_what_another_signed_is_not_the_executors() -> None:
    told = reported_by(KEYS[0])
    forged = copy.replace(told, signed=copy.replace(told.signed, signature=bytes(65)))
    with pytest.raises(RefusedMessage) as caught:
        ReportJudge(SystemClock()).check(forged, VOTER)
    assert caught.value.reason is Reason.BAD_SIGNATURE
