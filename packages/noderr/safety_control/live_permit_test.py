"""What is a permit, and what is none."""

from __future__ import annotations

import copy
from collections.abc import Sequence

import pytest

from noderr.safety_control.errors import PermitError
from noderr.safety_control.live_permit import LivePermit, check_permits
from noderr.safety_control.permit_file import permits_from_text, permits_to_text
from noderr.safety_control.testing import DOMAIN, GUARDIANS, NOW_S, VOTERS, permit, permits
from noderr.types.consensus import Signed, sign
from noderr.types.signing.account_key import AccountKey
from noderr.types.trading import FieldError

STRANGER = AccountKey(b"\x09" * 32)


def check(some: Sequence[Signed[LivePermit]], now_s: int = NOW_S) -> LivePermit:
    return check_permits(some, VOTERS, DOMAIN, now_s=now_s)


def test_three_of_four_permit() -> None:
    assert check(permits()) == permit()
    assert check(permits(by=4), NOW_S + 3_599) == permit()
    assert check(permits(), NOW_S - 5) == permit()


@pytest.mark.parametrize(
    ("some", "words"),
    [
        ((), "no guardian"),
        (permits(by=2), "20 of 40"),
        (permits(by=1) * 3, "10 of 40"),
        ((*permits(by=2), sign(permit(), STRANGER, DOMAIN)), "is no guardian"),
        ((*permits(by=2), sign(permit(seconds=60), GUARDIANS[2], DOMAIN)), "different permits"),
        (permits(permit(epoch=8)), "epoch 8"),
        ((*permits(by=2), copy.replace(permits()[2], signer=GUARDIANS[3].address)), "did not sign"),
        ((*permits(by=3), copy.replace(permits(by=4)[3], signature=b"\0" * 65)), "signature"),
        (tuple(sign(permit(), key, copy.replace(DOMAIN, chain_id=1)) for key in GUARDIANS), "did not sign"),
    ],
)
def test_everything_else_permits_nothing(some: Sequence[Signed[LivePermit]], words: str) -> None:
    with pytest.raises(PermitError, match=words):
        check(some)


@pytest.mark.parametrize("now_s", [NOW_S - 6, NOW_S + 3_600, NOW_S + 10**6])
def test_a_permit_holds_in_its_time_only(now_s: int) -> None:
    with pytest.raises(PermitError, match="it holds from"):
        check(permits(), now_s)


@pytest.mark.parametrize("seconds", [0, -1, 3_601])
def test_no_permit_is_longer_than_an_hour(seconds: int) -> None:
    with pytest.raises(FieldError, match="expires_at_s"):
        permit(seconds=seconds)


def test_text_and_back() -> None:
    assert permits_from_text(permits_to_text(permits())) == permits()


@pytest.mark.parametrize(
    "text", ["", "{}", "[]", permits_to_text(permits()).replace("0x", "1x", 1), permits_to_text(permits())[:-1]]
)
def test_text_that_is_no_permit_is_refused(text: str) -> None:
    with pytest.raises(PermitError, match="no permit"):
        permits_from_text(text)
