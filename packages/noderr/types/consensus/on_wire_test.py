"""Votes and certificates on the wire: they come back as they were, and what makes no sense becomes nothing."""

from __future__ import annotations

import copy
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from noderr.types.consensus import Certificate, Choice, Reason, RefusedMessage, Signed, Vote, VoterSignature
from noderr.types.consensus.on_wire import certificate_from_wire, certificate_to_wire, vote_from_wire, vote_to_wire
from noderr.types.consensus.vote import VOTE_TYPE
from noderr.types.consensus.weights import MAX_VOTERS
from noderr.types.wire import consensus_pb2 as pb

NUMBERS = st.integers(0, 2**64 - 1)
DIGESTS = st.binary(min_size=32, max_size=32)
ADDRESSES = st.binary(min_size=20, max_size=20)
SIGNATURES = st.binary(min_size=65, max_size=65)
CODES = st.integers(0, 2**32 - 1)
VOTES = st.builds(
    Vote,
    tier=st.integers(1, 3),
    epoch=NUMBERS,
    round=NUMBERS,
    topic=DIGESTS,
    subject=DIGESTS,
    choice=st.sampled_from(Choice),
    codes=CODES,
    expires_at_s=st.integers(1, 2**64 - 1),
)
CERTIFICATES = st.builds(
    Certificate,
    tier=st.integers(1, 3),
    epoch=NUMBERS,
    round=NUMBERS,
    topic=DIGESTS,
    subject=DIGESTS,
    choice=st.sampled_from(Choice),
    expires_at_s=st.integers(1, 2**64 - 1),
    signatures=st.lists(st.builds(VoterSignature, voter=ADDRESSES, codes=CODES, signature=SIGNATURES), max_size=5).map(
        tuple
    ),
)

VOTE = Signed(
    Vote(
        tier=3,
        epoch=9,
        round=5,
        topic=b"\1" * 32,
        subject=b"\2" * 32,
        choice=Choice.APPROVE,
        expires_at_s=1_790_000_060,
    ),
    b"\3" * 20,
    b"\4" * 65,
)
CERTIFICATE = Certificate(
    tier=3,
    epoch=9,
    round=5,
    topic=b"\1" * 32,
    subject=b"\2" * 32,
    choice=Choice.APPROVE,
    expires_at_s=1_790_000_060,
    signatures=(VoterSignature(voter=b"\3" * 20, codes=7, signature=b"\4" * 65),),
)


@given(VOTES, ADDRESSES, SIGNATURES)
def test_a_vote_comes_back(vote: Vote, signer: bytes, signature: bytes) -> None:
    sent = vote_to_wire(Signed(vote, signer, signature)).SerializeToString()
    received = vote_from_wire(pb.VoterMessage.FromString(sent))
    assert received == Signed(vote, signer, signature)
    assert isinstance(received.message.choice, Choice)
    assert received.message.struct_hash == vote.struct_hash


@given(VOTES)
def test_the_hash_made_by_hand_is_that_of_the_type(vote: Vote) -> None:
    assert vote.struct_hash == VOTE_TYPE.hash_struct(vote.struct())


@given(CERTIFICATES)
def test_a_certificate_comes_back(certificate: Certificate) -> None:
    sent = certificate_to_wire(certificate).SerializeToString()
    assert certificate_from_wire(pb.Certificate.FromString(sent)) == certificate


def refused(read: Callable[[], object]) -> RefusedMessage:
    with pytest.raises(RefusedMessage) as caught:
        read()
    return caught.value


@pytest.mark.parametrize(
    ("field", "value", "names"),
    [
        ("signer", b"\3" * 19, "signer"),
        ("signer", b"", "signer"),
        ("signature", b"\4" * 64, "signature"),
        ("signature", b"\4" * 66, "signature"),
        ("vote.tier", 0, "Vote.tier"),
        ("vote.tier", 4, "Vote.tier"),
        ("vote.topic", b"\1" * 31, "Vote.topic"),
        ("vote.topic", b"", "Vote.topic"),
        ("vote.subject", b"\2" * 33, "Vote.subject"),
        ("vote.choice", 0, "Vote.choice"),
        ("vote.choice", 4, "Vote.choice"),
        ("vote.expires_at_unix_s", 0, "Vote.expires_at_s"),
    ],
)
def test_a_vote_that_makes_no_sense_is_malformed(field: str, value: object, names: str) -> None:
    message = vote_to_wire(VOTE)
    *inner, name = field.split(".")
    setattr(message.vote if inner else message, name, value)
    error = refused(lambda: vote_from_wire(message))
    assert error.reason is Reason.MALFORMED
    assert names in str(error)


@pytest.mark.parametrize(
    ("field", "value", "names"),
    [
        ("tier", 0, "Vote.tier"),
        ("tier", 4, "Vote.tier"),
        ("topic", b"\1" * 31, "Vote.topic"),
        ("subject", b"", "Vote.subject"),
        ("choice", 0, "Vote.choice"),
        ("choice", 9, "Vote.choice"),
        ("expires_at_unix_s", 0, "Vote.expires_at_s"),
    ],
)
def test_a_certificate_that_makes_no_sense_is_malformed(field: str, value: object, names: str) -> None:
    # With and without parts: the fields are checked whether or not anybody signed.
    for parts in (CERTIFICATE.signatures, ()):
        message = certificate_to_wire(copy.replace(CERTIFICATE, signatures=parts))
        setattr(message, field, value)
        error = refused(lambda read=message: certificate_from_wire(read))  # type: ignore[misc]  # bound at once
        assert error.reason is Reason.MALFORMED
        assert names in str(error)


@pytest.mark.parametrize(("field", "value"), [("voter", b"\3" * 21), ("voter", b""), ("signature", b"\4" * 64)])
def test_a_part_of_a_certificate_that_makes_no_sense_is_malformed(field: str, value: bytes) -> None:
    message = certificate_to_wire(CERTIFICATE)
    setattr(message.signatures[0], field, value)
    assert refused(lambda: certificate_from_wire(message)).reason is Reason.MALFORMED


def test_more_signatures_than_can_vote_are_oversized() -> None:
    message = certificate_to_wire(CERTIFICATE)
    part = message.signatures[0]
    message.signatures.extend([part] * (MAX_VOTERS - 1))
    assert len(certificate_from_wire(message).signatures) == MAX_VOTERS
    message.signatures.append(part)
    assert refused(lambda: certificate_from_wire(message)).reason is Reason.OVERSIZED
