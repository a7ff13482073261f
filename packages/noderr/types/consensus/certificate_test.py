"""Certificates and evidence: what is true verifies, and every way to be false is refused for its own reason."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from noderr.types.consensus import (
    AccountSignatures,
    Certificate,
    CertificateError,
    Choice,
    Evidence,
    Reason,
    RefusedMessage,
    Signed,
    Vote,
    VoterSet,
    make_certificate,
    sign,
    verify_certificate,
    verify_evidence,
)
from noderr.types.eip712 import Domain
from noderr.types.signing.account_key import AccountKey
from noderr.types.trading import FieldError

NOW_S = 1_790_000_000
DOMAIN = Domain("NodeOS", "1", 84532, b"\xaa" * 20)
KEYS = sorted((AccountKey(bytes([number]) * 32) for number in range(1, 5)), key=lambda key: key.address)
OUTSIDER = AccountKey(b"\x77" * 32)
VOTERS = VoterSet(3, 9, {key.address: 10 for key in KEYS})
VOTE = Vote(
    tier=3,
    epoch=9,
    round=5,
    topic=b"\1" * 32,
    subject=b"\2" * 32,
    choice=Choice.APPROVE,
    expires_at_s=NOW_S + 60,
)


def votes(count: int, **changes: Any) -> list[Signed[Vote]]:
    return [sign(copy.replace(VOTE, **changes), key, DOMAIN) for key in KEYS[:count]]


def refused(
    certificate: Certificate, *, voters: VoterSet = VOTERS, domain: Domain = DOMAIN, now_s: int = NOW_S
) -> Reason:
    with pytest.raises(CertificateError) as caught:
        verify_certificate(certificate, voters, domain, now_s=now_s)
    return caught.value.reason


def test_three_of_four_are_a_certificate_in_any_order() -> None:
    certificate = make_certificate(reversed(votes(3)))
    verify_certificate(certificate, VOTERS, DOMAIN, now_s=NOW_S)
    assert certificate == make_certificate(votes(3))


def test_two_of_four_are_none() -> None:
    assert refused(make_certificate(votes(2))) is Reason.NO_QUORUM


def test_exactly_two_thirds_are_none() -> None:
    voters = VoterSet(3, 9, {key.address: weight for key, weight in zip(KEYS, (1, 1, 1, 0), strict=True) if weight})
    assert refused(make_certificate(votes(2)), voters=voters) is Reason.NO_QUORUM


def test_weight_decides_and_not_heads() -> None:
    heavy = VoterSet(3, 9, {key.address: weight for key, weight in zip(KEYS, (70, 10, 10, 10), strict=True)})
    verify_certificate(make_certificate(votes(1)), heavy, DOMAIN, now_s=NOW_S)
    light = [sign(VOTE, key, DOMAIN) for key in KEYS[1:]]
    assert refused(make_certificate(light), voters=heavy) is Reason.NO_QUORUM


def test_one_vote_four_times_is_refused() -> None:
    [one] = votes(1)
    assert refused(make_certificate([one] * 4)) is Reason.DUPLICATE


def test_votes_out_of_order_are_refused() -> None:
    certificate = make_certificate(votes(3))
    shuffled = copy.replace(certificate, signatures=certificate.signatures[::-1])
    assert refused(shuffled) is Reason.DUPLICATE


def test_an_outsider_is_refused_even_beside_a_quorum() -> None:
    assert refused(make_certificate([*votes(3), sign(VOTE, OUTSIDER, DOMAIN)])) is Reason.NOT_A_MEMBER


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("round", 6),
        ("topic", b"\3" * 32),
        ("subject", b"\3" * 32),
        ("choice", Choice.REJECT),
        ("expires_at_s", NOW_S + 61),
    ],
)
def test_no_field_can_be_changed(field: str, value: Any) -> None:
    certificate = make_certificate(votes(3))
    assert refused(copy.replace(certificate, **{field: value})) is Reason.BAD_SIGNATURE


def test_a_choice_that_is_none_is_malformed() -> None:
    spoiled = copy.replace(make_certificate(votes(3)), choice=9)  # type: ignore[arg-type]  # It is meant.
    assert refused(spoiled) is Reason.MALFORMED


def test_codes_are_signed_by_each_voter() -> None:
    mixed = [sign(copy.replace(VOTE, codes=n), key, DOMAIN) for n, key in enumerate(KEYS)]
    certificate = make_certificate(mixed)
    verify_certificate(certificate, VOTERS, DOMAIN, now_s=NOW_S)
    first, *rest = certificate.signatures
    changed = copy.replace(certificate, signatures=(copy.replace(first, codes=9), *rest))
    assert refused(changed) is Reason.BAD_SIGNATURE


@pytest.mark.parametrize(
    "domain",
    [
        copy.replace(DOMAIN, chain_id=1),
        copy.replace(DOMAIN, verifying_contract=b"\xbb" * 20),
        copy.replace(DOMAIN, name="Other"),
        copy.replace(DOMAIN, version="2"),
    ],
)
def test_a_certificate_counts_on_one_chain_and_one_contract(domain: Domain) -> None:
    assert refused(make_certificate(votes(3)), domain=domain) is Reason.BAD_SIGNATURE


def test_a_certificate_counts_in_its_epoch_and_tier() -> None:
    certificate = make_certificate(votes(3))
    assert refused(certificate, voters=copy.replace(VOTERS, epoch=10)) is Reason.WRONG_EPOCH
    assert refused(certificate, voters=copy.replace(VOTERS, tier=2)) is Reason.WRONG_EPOCH


def test_a_certificate_expires() -> None:
    certificate = make_certificate(votes(3))
    verify_certificate(certificate, VOTERS, DOMAIN, now_s=NOW_S + 60)
    assert refused(certificate, now_s=NOW_S + 61) is Reason.EXPIRED


def test_no_signature_at_all_is_no_certificate() -> None:
    assert refused(copy.replace(make_certificate(votes(3)), signatures=())) is Reason.NO_QUORUM


@pytest.mark.parametrize(
    ("field", "value"),
    [("tier", 0), ("tier", 4), ("epoch", -1), ("round", 2**64), ("topic", b""), ("choice", 0), ("codes", 2**32)],
)
def test_a_vote_that_makes_no_sense_is_refused(field: str, value: Any) -> None:
    with pytest.raises(FieldError, match=rf"Vote\.{field}"):
        copy.replace(VOTE, **{field: value})


def evidence(**changes: Any) -> Evidence[Vote]:
    return Evidence(sign(VOTE, KEYS[0], DOMAIN), sign(copy.replace(VOTE, **changes), KEYS[0], DOMAIN))


@pytest.mark.parametrize(
    "changes", [{"subject": b"\3" * 32}, {"choice": Choice.REJECT}, {"codes": 1}, {"expires_at_s": NOW_S}]
)
def test_two_votes_in_one_round_are_evidence(changes: dict[str, Any]) -> None:
    verify_evidence(evidence(**changes), DOMAIN, AccountSignatures())
    assert evidence(**changes).offender == KEYS[0].address


@pytest.mark.parametrize("changes", [{}, {"round": 6}, {"epoch": 10}, {"topic": b"\3" * 32}, {"tier": 2}])
def test_votes_that_may_both_be_cast_are_no_evidence(changes: dict[str, Any]) -> None:
    with pytest.raises(RefusedMessage) as caught:
        verify_evidence(evidence(**changes), DOMAIN, AccountSignatures())
    assert caught.value.reason is Reason.UNPROVEN


def test_nobody_is_accused_of_what_another_signed() -> None:
    true = evidence(subject=b"\3" * 32)
    forged = copy.replace(true, second=sign(true.second.message, KEYS[1], DOMAIN))
    with pytest.raises(RefusedMessage, match="two signers"):
        verify_evidence(forged, DOMAIN, AccountSignatures())
    with pytest.raises(RefusedMessage) as caught:
        verify_evidence(
            copy.replace(forged, second=copy.replace(forged.second, signer=KEYS[0].address)),
            DOMAIN,
            AccountSignatures(),
        )
    assert caught.value.reason is Reason.BAD_SIGNATURE
