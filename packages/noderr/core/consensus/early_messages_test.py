"""Early messages: taken in order, once, and never more of anybody's than its share."""

from __future__ import annotations

import copy
import gc
import tracemalloc
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from noderr.core.consensus.actions import Payload
from noderr.core.consensus.codec import Codec
from noderr.core.consensus.context import RoundContext
from noderr.core.consensus.early_messages import EarlyMessages, check_proven
from noderr.core.consensus.testing import DOMAIN, NOW_NS, NOW_S, keys, vote, voter_set
from noderr.types.consensus import (
    AccountSignatures,
    Choice,
    ProtocolMessage,
    Reason,
    RefusedMessage,
    Signed,
    make_certificate,
    sign,
)
from noderr.types.signing.account_key import AccountKey

KEYS = keys(4)
CONTEXT = RoundContext(KEYS[0].address, voter_set(KEYS), DOMAIN, AccountSignatures())
CODEC = Codec(DOMAIN)
VOTES: list[Signed[ProtocolMessage]] = [sign(vote(), key, DOMAIN) for key in KEYS]
REJECTS: list[Signed[ProtocolMessage]] = [sign(vote(choice=Choice.REJECT), key, DOMAIN) for key in KEYS]
ABSTAINS: list[Signed[ProtocolMessage]] = [sign(vote(choice=Choice.ABSTAIN), key, DOMAIN) for key in KEYS]
HERE, THERE = (5, b"\1" * 32), (6, b"\1" * 32)
# Two messages of 100 bytes have room in it, and no third.
SHARE_BYTES = 3000


def test_each_round_takes_its_own_once_and_in_order() -> None:
    early = EarlyMessages(SHARE_BYTES)
    for key, one in ((HERE, VOTES[0]), (THERE, VOTES[1]), (HERE, VOTES[2])):
        early.keep(key, one, 100)
    assert early.take(HERE) == [VOTES[0], VOTES[2]]
    assert early.take(HERE) == []
    assert early.take(THERE) == [VOTES[1]]


def test_who_has_filled_its_share_is_refused_and_nobody_else() -> None:
    early = EarlyMessages(SHARE_BYTES)
    for number in range(5, 100):
        early.keep((number, b"\2" * 32), VOTES[1], 100)
    refusal = early.refusal(HERE, VOTES[1], 100)
    assert refusal is not None
    assert refusal.reason is Reason.BUSY
    assert early.refusal(HERE, VOTES[0], 100) is None
    early.keep(HERE, VOTES[0], 100)
    assert len(early) == 3
    assert early.take(HERE) == [VOTES[0]]
    assert [number for number in range(5, 100) if early.take((number, b"\2" * 32))] == [5, 6]


def test_rounds_that_are_over_make_room() -> None:
    early = EarlyMessages(SHARE_BYTES)
    for key in (HERE, THERE):
        early.keep(key, VOTES[1], 100)
    early.forget_before(6)
    assert early.refusal((7, b"\1" * 32), VOTES[1], 100) is None
    early.forget_before(5)
    assert early.take(HERE) == []
    assert early.take(THERE) == [VOTES[1]]


def test_what_does_not_fit_at_all_is_not_kept() -> None:
    early = EarlyMessages(SHARE_BYTES)
    early.keep(THERE, VOTES[0], SHARE_BYTES)
    assert early.take(THERE) == []


def test_a_voter_has_one_message_of_a_kind_in_a_round_and_a_second_one_as_evidence() -> None:
    early = EarlyMessages(1 << 20)
    early.keep(HERE, VOTES[0], 100)
    for known, reason in ((VOTES[0], Reason.DUPLICATE), (REJECTS[0], None), (ABSTAINS[0], Reason.EQUIVOCATION)):
        refusal = early.refusal(HERE, known, 100)
        assert (None if refusal is None else refusal.reason) is reason
        early.keep(HERE, known, 100)
    assert early.refusal(HERE, VOTES[1], 100) is early.refusal(THERE, VOTES[0], 100) is None
    assert early.take(HERE) == [VOTES[0], REJECTS[0]]
    assert early.refusal(HERE, VOTES[0], 100) is None


def test_a_round_has_one_certificate() -> None:
    early = EarlyMessages(1 << 20)
    certificates = [make_certificate([sign(vote(), key, DOMAIN) for key in some]) for some in (KEYS, KEYS[1:])]
    for certificate in certificates:
        early.keep(HERE, certificate, 100)
    refusal = early.refusal(HERE, certificates[1], 100)
    assert refusal is not None
    assert refusal.reason is Reason.DUPLICATE
    assert early.take(HERE) == certificates[:1]


STEPS = st.tuples(st.sampled_from([HERE, THERE]), st.integers(0, 3), st.integers(1, 400), st.booleans())


@given(st.lists(STEPS, max_size=40))
def test_nobody_has_more_than_its_share_and_what_was_taken_makes_room(
    steps: list[tuple[tuple[int, bytes], int, int, bool]],
) -> None:
    early = EarlyMessages(SHARE_BYTES)
    kept: list[tuple[tuple[int, bytes], int, int]] = []
    for key, voter, size, taken in steps:
        early.keep(key, VOTES[voter], size)
        held = 512 + 8 * size
        has_room = held + sum(one[2] for one in kept if one[1] == voter) <= SHARE_BYTES
        if has_room and (key, voter) not in [one[:2] for one in kept]:
            kept.append((key, voter, held))
        assert len(early) == len(kept)
        if taken:
            assert early.take(key) == [VOTES[one[1]] for one in kept if one[0] == key]
            kept = [one for one in kept if one[0] != key]


def _distinct_votes(number: int) -> Payload:
    return copy.replace(VOTES[0], message=vote(topic=number.to_bytes(32), round=2**40))


def _distinct_certificates(number: int) -> Payload:
    signature = VOTES[0].signature
    parts = [Signed(vote(topic=number.to_bytes(32), codes=1000), n.to_bytes(20), signature) for n in range(64)]
    return make_certificate(parts)


@pytest.mark.parametrize("make", [_distinct_votes, _distinct_certificates])
def test_a_share_is_what_is_really_held(make: Callable[[int], Payload]) -> None:
    share_bytes = 1 << 20
    contents = [CODEC.encode([make(number)]) for number in range(1200)]
    early = EarlyMessages(share_bytes)
    tracemalloc.start()
    for number, content in enumerate(contents):
        [payload] = CODEC.decode(content)
        assert not isinstance(payload, RefusedMessage)
        if isinstance(payload, Signed):
            payload.message.digest_in(DOMAIN)
        early.keep((5, number.to_bytes(32)), payload, len(content))
    gc.collect()
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert 0 < len(early) < len(contents)
    assert share_bytes / 8 < held <= share_bytes


BAD: list[tuple[Payload, Reason]] = [
    (sign(vote(epoch=8), KEYS[1], DOMAIN), Reason.WRONG_EPOCH),
    (sign(vote(tier=2), KEYS[1], DOMAIN), Reason.WRONG_EPOCH),
    (sign(vote(), AccountKey(b"\x77" * 32), DOMAIN), Reason.NOT_A_MEMBER),
    (copy.replace(VOTES[1], signer=KEYS[2].address), Reason.BAD_SIGNATURE),
    (make_certificate([sign(vote(), key, DOMAIN) for key in KEYS[:2]]), Reason.NO_QUORUM),
    (make_certificate([sign(vote(choice=Choice.ABSTAIN), key, DOMAIN) for key in KEYS]), Reason.UNPROVEN),
    (make_certificate([sign(vote(expires_at_s=NOW_S - 1), key, DOMAIN) for key in KEYS]), Reason.EXPIRED),
]


@pytest.mark.parametrize(("payload", "reason"), BAD)
def test_what_proves_nothing_is_not_to_be_kept(payload: Any, reason: Reason) -> None:
    with pytest.raises(RefusedMessage) as caught:
        check_proven(payload, CONTEXT, NOW_NS)
    assert caught.value.reason is reason


def test_a_voters_message_and_a_quorums_certificate_are_proven() -> None:
    check_proven(VOTES[1], CONTEXT, NOW_NS)
    check_proven(make_certificate([sign(vote(), key, DOMAIN) for key in KEYS[:3]]), CONTEXT, NOW_NS)
