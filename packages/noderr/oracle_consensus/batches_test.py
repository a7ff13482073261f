"""Commitments and reveals of many markets under one signature: each stands alone, and nothing else passes for one."""

from __future__ import annotations

import copy
import random
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from noderr.core.consensus.evidence_on_wire import evidence_from_bytes, evidence_to_bytes
from noderr.core.consensus.guard import Guard, GuardedKey
from noderr.core.consensus.testing import DOMAIN, ForgetfulDisk, keys, vote
from noderr.oracle_consensus.messages import Commit
from noderr.oracle_consensus.parts import oracle_codec
from noderr.types.consensus import (
    AccountSignatures,
    Evidence,
    ProtocolMessage,
    Reason,
    RefusedMessage,
    Signed,
    check_signature,
)
from noderr.types.consensus.batch_signature import MAX_PROOF_NODES, batch_digest
from noderr.types.merkle_tree import root_of

KEYS = keys(4)
SIGNATURES = AccountSignatures()
CODEC = oracle_codec(DOMAIN)


def commits(count: int, *, first: int = 0) -> list[ProtocolMessage]:
    return [
        Commit(epoch=9, round=5, topic=market.to_bytes(32), commitment=bytes([market]) * 32)
        for market in range(first, first + count)
    ]


def signed_by(me: int, messages: list[ProtocolMessage]) -> list[Signed[ProtocolMessage]]:
    return GuardedKey(KEYS[me], Guard(ForgetfulDisk()), DOMAIN).sign_all(messages)


def reason_of(signed: Signed[ProtocolMessage]) -> Reason:
    with pytest.raises(RefusedMessage) as caught:
        check_signature(signed, DOMAIN, SIGNATURES)
    return caught.value.reason


@given(st.integers(1, 64))
def test_each_of_a_batch_stands_alone(count: int) -> None:
    signed = signed_by(0, [*commits(count), vote()])
    assert [one.message for one in signed] == [*commits(count), vote()]
    for one in signed:
        assert check_signature(one, DOMAIN, SIGNATURES) == one.message.digest_in(DOMAIN)
    assert len({one.signature[:65] for one in signed[:-1]}) == 1, "they share it"
    assert len(signed[-1].signature) == 65, "a vote has its own, for the contract"


def test_one_message_has_a_signature_of_its_own() -> None:
    [signed] = signed_by(0, commits(1))
    assert len(signed.signature) == 65


def test_all_are_on_the_disk_before_one_is_signed() -> None:
    disk = ForgetfulDisk()
    key = GuardedKey(KEYS[0], Guard(disk), DOMAIN)
    key.sign_all(commits(30))
    assert disk.syncs == 1
    assert key.permit_all(commits(40)) == [None] * 40
    assert disk.syncs == 2
    key.sign_all(commits(40))
    assert disk.syncs == 2, "what is permitted waits for nothing"
    disk.fails = True
    with pytest.raises(OSError, match="the disk is gone"):
        key.sign_all(commits(41))


def test_a_batch_comes_back_from_the_wire() -> None:
    signed = signed_by(0, commits(32))
    assert list(CODEC.decode(CODEC.encode(signed))) == signed


def _foreign_proof(one: Signed[ProtocolMessage], other: Signed[ProtocolMessage]) -> bytes:
    return one.signature[:65] + other.signature[65:]


@pytest.mark.parametrize(
    "forge",
    [
        lambda one, other: copy.replace(one, message=other.message),
        lambda one, other: copy.replace(one, signature=_foreign_proof(one, other)),
        lambda one, other: copy.replace(one, signature=one.signature[:65]),
        lambda one, other: copy.replace(one, signature=one.signature[:-32]),
        lambda one, other: copy.replace(one, signature=one.signature + bytes(32)),
        lambda one, other: copy.replace(one, signature=one.signature[:-1]),
        lambda one, other: copy.replace(one, signature=one.signature + bytes(32 * MAX_PROOF_NODES)),
        lambda one, other: copy.replace(one, signer=KEYS[1].address),
        lambda one, other: copy.replace(one, message=commits(1, first=50)[0]),
    ],
)
def test_what_is_not_in_the_batch_is_not_signed(
    forge: Callable[[Signed[ProtocolMessage], Signed[ProtocolMessage]], Signed[ProtocolMessage]],
) -> None:
    one, other, *_ = signed_by(0, commits(7))
    assert reason_of(forge(one, other)) is Reason.BAD_SIGNATURE


def test_no_byte_of_it_may_be_another() -> None:
    randomness = random.Random(7)
    one, *_ = signed_by(0, commits(20))
    for place in range(len(one.signature)):
        changed = bytearray(one.signature)
        changed[place] ^= 1 << randomness.randrange(8)
        assert reason_of(copy.replace(one, signature=bytes(changed))) is Reason.BAD_SIGNATURE


def test_a_batch_counts_in_its_domain_only() -> None:
    one, *_ = signed_by(0, commits(3))
    elsewhere = copy.replace(DOMAIN, chain_id=1)
    with pytest.raises(RefusedMessage, match="bad-signature"):
        check_signature(one, elsewhere, SIGNATURES)


def test_a_vote_in_a_batch_is_no_vote() -> None:
    # The contract could not check it, so a certificate with it would be none.
    digest, beside = vote().digest_in(DOMAIN), bytes(32)
    signature = KEYS[0].sign(batch_digest(root_of(digest, [beside]), DOMAIN)) + beside
    signed: Signed[ProtocolMessage] = Signed(vote(), KEYS[0].address, signature)
    assert reason_of(signed) is Reason.BAD_SIGNATURE
    [refused] = CODEC.decode(CODEC.encode([signed]))
    assert isinstance(refused, RefusedMessage)
    assert refused.reason is Reason.MALFORMED


def test_the_signature_of_a_batch_is_none_of_a_message() -> None:
    one, *_ = signed_by(0, commits(2))
    root = root_of(one.message.digest_in(DOMAIN), [one.signature[65:]])
    assert SIGNATURES.recover(batch_digest(root, DOMAIN), one.signature[:65]) == KEYS[0].address
    assert SIGNATURES.recover(root, one.signature[:65]) != KEYS[0].address


def test_evidence_from_two_batches_stands_alone() -> None:
    first = signed_by(0, commits(32))[3]
    assert isinstance(first.message, Commit)
    other = copy.replace(first.message, commitment=b"\xee" * 32)
    second = signed_by(0, [*commits(2), other])[2]
    content = evidence_to_bytes(Evidence(first, second), CODEC)
    assert evidence_from_bytes(content, CODEC, SIGNATURES).offender == KEYS[0].address
