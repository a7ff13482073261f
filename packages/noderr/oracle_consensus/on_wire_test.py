"""Commitments, reveals and reports on the wire: they come back as they were, and what makes no sense is refused."""

from __future__ import annotations

import gc
import hashlib
import random
import tracemalloc
from collections.abc import Callable, Iterable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import noderr.oracle_consensus.on_wire as oracle_consensus_on_wire
from noderr.core.consensus.testing import DOMAIN, mutated, vote
from noderr.oracle_consensus.messages import ABSTENTION, MAX_SEEN, Commit, Observation, Report, Reveal
from noderr.oracle_consensus.on_wire import oracle_from_wire, oracle_to_wire
from noderr.oracle_consensus.parts import oracle_codec
from noderr.oracle_consensus.testing import commit, report, reveal, vote_for
from noderr.types.consensus import Certificate, ProtocolMessage, Reason, RefusedMessage, Signed
from noderr.types.consensus.weights import MAX_VOTERS
from noderr.types.wire import consensus_pb2 as pb

_HELD_BYTES = 64 << 20

NUMBERS = st.integers(0, 2**64 - 1)
DIGESTS = st.binary(min_size=32, max_size=32)
ADDRESSES = st.binary(min_size=20, max_size=20)
SIGNATURES = st.binary(min_size=65, max_size=65)
PLACE: dict[str, Any] = {"epoch": NUMBERS, "round": NUMBERS, "topic": DIGESTS}

COMMITS = st.builds(Commit, **PLACE, commitment=DIGESTS)
OBSERVATIONS = st.just(ABSTENTION) | st.builds(
    Observation,
    prediction_e8=st.integers(-(2**63), 2**63 - 1),
    confidence_bps=st.integers(0, 10_000),
    mid_price_e8=st.integers(1, 2**64 - 1),
    observed_at_s=NUMBERS,
    model_hash=DIGESTS,
)
REVEALS = st.builds(
    Reveal,
    **PLACE,
    observation=OBSERVATIONS,
    salt=DIGESTS,
    seen=st.sets(DIGESTS, max_size=4).map(lambda seen: tuple(sorted(seen))),
)


def _signed(messages: st.SearchStrategy[Any]) -> st.SearchStrategy[Signed[Any]]:
    return st.builds(Signed, messages, ADDRESSES, SIGNATURES)


REPORTS = st.builds(
    Report,
    **PLACE,
    view=st.integers(0, 2**32 - 1),
    subject=DIGESTS,
    reveals=st.lists(_signed(REVEALS), max_size=4, unique_by=lambda one: one.signer).map(
        lambda reveals: tuple(sorted(reveals, key=lambda one: one.signer))
    ),
)


@settings(max_examples=200)
@given(_signed(COMMITS | REVEALS | REPORTS))
def test_a_message_comes_back(signed: Signed[ProtocolMessage]) -> None:
    received = oracle_from_wire(pb.VoterMessage.FromString(oracle_to_wire(signed).SerializeToString()))
    assert received == signed
    assert received.message.struct_hash == signed.message.struct_hash


def reason_for(message: pb.VoterMessage) -> Reason:
    with pytest.raises(RefusedMessage) as caught:
        oracle_from_wire(message)
    return caught.value.reason


def of(kind: str) -> pb.VoterMessage:
    made: dict[str, Signed[Any]] = {"commit": commit(0), "reveal": reveal(0), "report": report()}
    return oracle_to_wire(made[kind])


@pytest.mark.parametrize("kind", ["commit", "reveal", "report"])
@pytest.mark.parametrize(
    ("field", "value"), [("signer", b"\1" * 19), ("signer", b""), ("signature", b"\1" * 64), ("signature", b"")]
)
def test_a_message_without_a_signer_or_signature_is_malformed(kind: str, field: str, value: bytes) -> None:
    message = of(kind)
    setattr(message, field, value)
    assert reason_for(message) is Reason.MALFORMED


@pytest.mark.parametrize(
    ("kind", "field", "value"),
    [
        ("commit", "topic", b""),
        ("commit", "commitment", b"\1" * 31),
        ("reveal", "topic", b"\1" * 33),
        ("reveal", "salt", b"\1" * 31),
        ("report", "topic", b"\1" * 31),
        ("report", "subject", b""),
    ],
)
def test_a_field_of_another_length_is_malformed(kind: str, field: str, value: bytes) -> None:
    message = of(kind)
    setattr(getattr(message, kind), field, value)
    assert reason_for(message) is Reason.MALFORMED


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("confidence_bps", 10_001),
        ("mid_price_e8", 0),
        ("model_hash", b"\1" * 31),
        ("abstain", True),  # and says something else besides
    ],
)
def test_an_observation_that_makes_no_sense_is_malformed(field: str, value: object) -> None:
    message = of("reveal")
    setattr(message.reveal.observation, field, value)
    assert reason_for(message) is Reason.MALFORMED
    within = of("report")
    setattr(within.report.reveals[0].reveal.observation, field, value)
    assert reason_for(within) is Reason.MALFORMED


def test_a_reveal_without_an_observation_is_malformed() -> None:
    message = of("reveal")
    message.reveal.ClearField("observation")
    assert reason_for(message) is Reason.MALFORMED


@pytest.mark.parametrize(
    "seen",
    [[b"\1" * 31], [b"\2" * 32, b"\1" * 32], [b"\1" * 32, b"\1" * 32]],
    ids=["short", "descending", "twice"],
)
def test_commitments_seen_that_make_no_sense_are_malformed(seen: list[bytes]) -> None:
    message = of("reveal")
    del message.reveal.seen[:]
    message.reveal.seen.extend(seen)
    assert reason_for(message) is Reason.MALFORMED


def test_reveals_of_a_report_that_do_not_ascend_are_malformed() -> None:
    message = of("report")
    first = message.report.reveals[0]
    message.report.reveals.append(first)
    assert reason_for(message) is Reason.MALFORMED


@pytest.mark.parametrize("field", ["signer", "signature"])
def test_a_report_with_an_unsigned_reveal_is_malformed(field: str) -> None:
    message = of("report")
    setattr(message.report.reveals[0], field, b"")
    assert reason_for(message) is Reason.MALFORMED


def test_too_many_commitments_are_oversized() -> None:
    message = of("reveal")
    del message.reveal.seen[:]
    message.reveal.seen.extend(number.to_bytes(32, "big") for number in range(MAX_SEEN))
    received = oracle_from_wire(message).message
    assert isinstance(received, Reveal)
    assert len(received.seen) == MAX_SEEN
    message.reveal.seen.append(b"\xff" * 32)
    assert reason_for(message) is Reason.OVERSIZED


def test_too_many_reveals_are_oversized() -> None:
    message = of("report")
    message.report.reveals.extend([message.report.reveals[0]] * (MAX_VOTERS - len(message.report.reveals) + 1))
    assert reason_for(message) is Reason.OVERSIZED


@pytest.mark.parametrize("body", ["vote", "certificate", None])
def test_another_body_is_malformed(body: str | None) -> None:
    message = of("commit")
    message.ClearField("commit")
    if body == "vote":
        message.vote.SetInParent()
    elif body == "certificate":
        message.certificate.SetInParent()
    assert message.WhichOneof("body") == body
    assert reason_for(message) is Reason.MALFORMED


def test_a_vote_is_no_oracles_message() -> None:
    with pytest.raises(TypeError, match="Vote is no message of an oracles' round"):
        oracle_to_wire(Signed(vote(), b"\1" * 20, b"\2" * 65))


@settings(max_examples=300)
@given(st.integers(0, 2**32))
def test_a_mutated_bundle_of_a_round_is_only_refused_or_read(seed: int) -> None:
    codec = oracle_codec(DOMAIN)
    bundle = codec.encode([commit(0), reveal(1), report(), vote_for(2, report())])
    try:
        read = list(codec.decode(mutated(bundle, random.Random(seed))))
    except RefusedMessage:
        return
    for one in read:
        assert isinstance(one, RefusedMessage | Signed | Certificate)


def _held(bodies: Iterable[pb.Reveal]) -> int:
    """Bytes of memory that these forged reveals, each in its own message, keep when they have been read."""
    oracle_consensus_on_wire._known_reveal.cache_clear()
    tracemalloc.start()
    for body in bodies:
        read = pb.VoterMessage.FromString(
            pb.VoterMessage(signer=b"\1" * 20, signature=bytes(65), reveal=body).SerializeToString()
        )
        oracle_from_wire(read)
    del body, read
    gc.collect()
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    oracle_consensus_on_wire._known_reveal.cache_clear()
    return held


def _with_junk(number: int) -> pb.Reveal:
    body = oracle_to_wire(reveal(1)).reveal
    # Field 15, which no version has: 100,000 bytes.
    body.MergeFromString(b"\x7a\xa0\x8d\x06" + number.to_bytes(4, "big") + bytes(99_996))
    return body


def _with_many_seen(number: int) -> pb.Reveal:
    body = oracle_to_wire(reveal(1)).reveal
    del body.seen[:]
    body.seen.extend(sorted(hashlib.sha256(b"%d %d" % (number, one)).digest() for one in range(MAX_SEEN)))
    return body


def _with_as_many_as_are_remembered(number: int) -> pb.Reveal:
    body = _with_many_seen(number)
    del body.seen[24:]
    return body


@pytest.mark.parametrize("make", [_with_junk, _with_many_seen, _with_as_many_as_are_remembered])
def test_what_nobody_has_signed_is_remembered_within_bounds(make: Callable[[int], pb.Reveal]) -> None:
    count = 40
    held = _held(make(number) for number in range(count))
    assert held / count * oracle_consensus_on_wire._KNOWN_REVEALS < _HELD_BYTES


def test_a_reveal_is_read_once_whether_it_comes_by_itself_or_in_a_report() -> None:
    alone = oracle_from_wire(oracle_to_wire(reveal(1)))
    within = oracle_from_wire(oracle_to_wire(report()))
    assert isinstance(within.message, Report)
    assert within.message.reveals[[one.signer for one in within.message.reveals].index(alone.signer)] is alone
