"""The evidence store: what is proven stays proven, once each, through restarts, floods and damage."""

from __future__ import annotations

import copy
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from noderr.core.consensus.codec import Codec
from noderr.core.consensus.evidence_on_wire import MAX_EVIDENCE_BYTES, evidence_from_bytes, evidence_to_bytes
from noderr.core.consensus.evidence_store import FILE_NAME, EvidenceStore, KeptEvidence
from noderr.core.consensus.testing import DOMAIN, keys, vote, voter_set
from noderr.types.consensus import (
    AccountSignatures,
    Choice,
    Evidence,
    ProtocolMessage,
    Reason,
    RefusedMessage,
    make_certificate,
    sign,
)
from noderr.types.signing.account_key import AccountKey
from noderr.types.trading import FieldError

KEYS = keys(4)
VOTERS = voter_set(KEYS)
CODEC = Codec(DOMAIN)
SIGNATURES = AccountSignatures()


def evidence(voter: int = 0, key: AccountKey | None = None, **changes: Any) -> Evidence[ProtocolMessage]:
    """This voter approved and rejected."""
    key = key or KEYS[voter]
    approval, rejection = vote(**changes), vote(choice=Choice.REJECT, **changes)
    return Evidence(sign(approval, key, DOMAIN), sign(rejection, key, DOMAIN))


def turned(one: Evidence[ProtocolMessage]) -> Evidence[ProtocolMessage]:
    return Evidence(one.second, one.first)


def opened(folder: Path, **limits: int) -> EvidenceStore:
    return EvidenceStore(folder, CODEC, SIGNATURES, **limits)


async def kept_in(folder: Path) -> KeptEvidence:
    store = opened(folder)
    try:
        return await store.all()
    finally:
        await store.close()


def pairs(kept: KeptEvidence) -> set[tuple[bytes, int, frozenset[bytes]]]:
    return {
        (one.offender, one.first.message.round, frozenset({one.first.signature, one.second.signature}))
        for one in kept.evidence
    }


async def test_it_is_kept_once_in_whatever_order_and_through_a_restart(tmp_path: Path) -> None:
    store = opened(tmp_path)
    assert await store.add(evidence(), VOTERS)
    assert not await store.add(evidence(), VOTERS)
    assert not await store.add(turned(evidence()), VOTERS)
    exported = await store.export()
    await store.close()
    kept = await kept_in(tmp_path)
    assert kept.damaged == ()
    assert pairs(kept) == pairs(KeptEvidence((evidence(),), ()))
    again = opened(tmp_path)
    assert not await again.add(evidence(), VOTERS)
    assert await again.export() == exported
    await again.close()


async def test_a_third_vote_in_the_same_round_adds_nothing(tmp_path: Path) -> None:
    store = opened(tmp_path)
    await store.add(evidence(), VOTERS)
    third = Evidence(evidence().first, sign(vote(choice=Choice.ABSTAIN), KEYS[0], DOMAIN))
    assert not await store.add(third, VOTERS)
    assert await store.add(evidence(round=6), VOTERS)
    assert await store.add(evidence(topic=b"\7" * 32), VOTERS)
    assert len((await store.all()).evidence) == 3
    await store.close()


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        (evidence(key=AccountKey(b"\x77" * 32)), Reason.NOT_A_MEMBER),
        (evidence(epoch=8), Reason.WRONG_EPOCH),
        (evidence(tier=2), Reason.WRONG_EPOCH),
        (Evidence(evidence().first, evidence().first), Reason.UNPROVEN),
        (Evidence(evidence().first, evidence(round=6).second), Reason.UNPROVEN),
        (Evidence(evidence().first, evidence(voter=1).second), Reason.UNPROVEN),
        (
            Evidence(evidence().first, copy.replace(evidence(voter=1).second, signer=KEYS[0].address)),
            Reason.BAD_SIGNATURE,
        ),
    ],
)
async def test_what_proves_nothing_is_not_kept(
    tmp_path: Path, wrong: Evidence[ProtocolMessage], reason: Reason
) -> None:
    store = opened(tmp_path)
    for one in (wrong, turned(wrong)):
        with pytest.raises(RefusedMessage) as caught:
            await store.add(one, VOTERS)
        assert caught.value.reason is reason
    assert await store.all() == KeptEvidence((), ())
    await store.close()


async def test_evidence_of_another_chain_is_not_kept(tmp_path: Path) -> None:
    elsewhere = copy.replace(DOMAIN, chain_id=1)
    foreign = Evidence(sign(vote(), KEYS[0], elsewhere), sign(vote(codes=1), KEYS[0], elsewhere))
    store = opened(tmp_path)
    with pytest.raises(RefusedMessage) as caught:
        await store.add(foreign, VOTERS)
    assert caught.value.reason is Reason.BAD_SIGNATURE
    await store.close()


async def test_one_offender_cannot_push_out_the_proof_against_another(tmp_path: Path) -> None:
    store = opened(tmp_path, per_offender=3, limit=5)
    await store.add(evidence(voter=0), VOTERS)
    for number in range(20):
        assert await store.add(evidence(voter=1, round=number), VOTERS) == (number < 3)
    await store.add(evidence(voter=2), VOTERS)
    await store.add(evidence(voter=3), VOTERS)
    kept = await store.all()
    offenders = [one.offender for one in kept.evidence]
    assert {key.address: offenders.count(key.address) for key in KEYS} == {
        KEYS[0].address: 1,
        KEYS[1].address: 2,
        KEYS[2].address: 1,
        KEYS[3].address: 1,
    }
    rounds = sorted(one.first.message.round for one in kept.evidence if one.offender == KEYS[1].address)
    assert rounds == [1, 2], "its oldest made room"
    await store.close()


async def test_numbers_beyond_those_of_the_database_are_kept(tmp_path: Path) -> None:
    store = opened(tmp_path)
    huge = evidence(round=2**64 - 1)
    assert await store.add(huge, VOTERS)
    assert not await store.add(huge, VOTERS)
    assert pairs(await store.all()) == pairs(KeptEvidence((huge,), ()))
    await store.close()


async def test_a_damaged_row_is_named_and_hides_no_other(tmp_path: Path) -> None:
    store = opened(tmp_path)
    for voter in range(3):
        await store.add(evidence(voter=voter), VOTERS)
    await store.close()
    with sqlite3.connect(tmp_path / FILE_NAME) as connection:
        [(content,)] = connection.execute("SELECT bundle FROM evidence WHERE id = 1").fetchall()
        flipped = content[:-3] + bytes([content[-3] ^ 1]) + content[-2:]
        connection.execute("UPDATE evidence SET bundle = ? WHERE id = 1", (flipped,))
        connection.execute("UPDATE evidence SET bundle = ? WHERE id = 2", (content,))
    connection.close()
    kept = await kept_in(tmp_path)
    assert [one.offender for one in kept.evidence] == [KEYS[2].address]
    assert len(kept.damaged) == 2
    assert any(text.startswith("row 1: ") for text in kept.damaged)
    assert "row 2: it is kept for another place than it is about" in kept.damaged


@settings(max_examples=15, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3), st.booleans()), max_size=12))
async def test_two_stores_that_learn_the_same_export_the_same(
    tmp_path_factory: pytest.TempPathFactory, learnt: list[tuple[int, int, bool]]
) -> None:
    exported: list[tuple[bytes, ...]] = []
    for order in (learnt, learnt[::-1]):
        store = opened(tmp_path_factory.mktemp("store"))
        for voter, round_, turn in order:
            one = evidence(voter=voter, round=round_)
            await store.add(turned(one) if turn else one, VOTERS)
        exported.append(await store.export())
        await store.close()
    assert exported[0] == exported[1]
    assert len(exported[0]) == len({(voter, round_) for voter, round_, _ in learnt})


def test_exported_bytes_stand_alone() -> None:
    content = evidence_to_bytes(evidence(), CODEC)
    assert content == evidence_to_bytes(turned(evidence()), CODEC)
    found = evidence_from_bytes(content, CODEC, SIGNATURES)
    assert found in (evidence(), turned(evidence()))
    with pytest.raises(RefusedMessage) as caught:
        evidence_from_bytes(content, Codec(copy.replace(DOMAIN, chain_id=1)), SIGNATURES)
    assert caught.value.reason is Reason.WRONG_CHAIN


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff",
        CODEC.encode([]),
        CODEC.encode([evidence().first]),
        CODEC.encode([evidence().first, evidence().second, evidence().second]),
        CODEC.encode([make_certificate([sign(vote(), KEYS[0], DOMAIN)])]),
        evidence_to_bytes(evidence(), CODEC) + b"\x38\x01",
    ],
)
def test_bytes_that_are_no_evidence_are_refused(content: bytes) -> None:
    with pytest.raises(RefusedMessage):
        evidence_from_bytes(content, CODEC, SIGNATURES)


def test_evidence_is_written_in_one_order_only() -> None:
    good = evidence_from_bytes(evidence_to_bytes(evidence(), CODEC), CODEC, SIGNATURES)
    with pytest.raises(RefusedMessage, match="in its one way"):
        evidence_from_bytes(CODEC.encode([good.second, good.first]), CODEC, SIGNATURES)


def test_evidence_is_bounded_before_it_is_read() -> None:
    with pytest.raises(RefusedMessage) as caught:
        evidence_from_bytes(bytes(MAX_EVIDENCE_BYTES + 1), CODEC, SIGNATURES)
    assert caught.value.reason is Reason.OVERSIZED


@pytest.mark.parametrize("limits", [{"per_offender": 0}, {"limit": 7}, {"limit": 0}])
def test_limits_that_make_no_sense_are_refused(tmp_path: Path, limits: dict[str, int]) -> None:
    with pytest.raises(FieldError, match=r"EvidenceStore\."):
        opened(tmp_path, **limits)
