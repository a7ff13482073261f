"""Bundles: what goes in comes out, each message is judged by itself, and no bytes do more than be refused."""

from __future__ import annotations

import copy
import dataclasses
import random
from collections.abc import Callable, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from noderr.core.consensus.actions import Payload
from noderr.core.consensus.codec import MAX_BUNDLE_BYTES, MAX_MESSAGES, Codec
from noderr.core.consensus.testing import DOMAIN, keys, mutated, vote
from noderr.types.consensus import Certificate, ProtocolMessage, Reason, RefusedMessage, Signed, make_certificate, sign
from noderr.types.wire import consensus_pb2 as pb

KEYS = keys(4)
VOTES: list[Signed[ProtocolMessage]] = [sign(vote(), key, DOMAIN) for key in KEYS]
CERTIFICATE = make_certificate([sign(vote(), key, DOMAIN) for key in KEYS])
CODEC = Codec(DOMAIN)


def refused(read: Callable[[], object]) -> RefusedMessage:
    with pytest.raises(RefusedMessage) as caught:
        read()
    return caught.value


def bundles(payloads: Sequence[Payload]) -> list[bytes]:
    made = list(CODEC.bundles(payloads))
    assert not any(isinstance(one, RefusedMessage) for one in made)
    return [one for one in made if isinstance(one, bytes)]


def reason_of(content: bytes) -> Reason:
    return refused(lambda: list(CODEC.decode(content))).reason


@given(st.lists(st.sampled_from([*VOTES, CERTIFICATE]), max_size=20))
def test_a_bundle_comes_back(payloads: list[Payload]) -> None:
    assert list(CODEC.decode(CODEC.encode(payloads))) == payloads


def test_bytes_that_are_no_bundle_are_malformed() -> None:
    assert reason_of(b"\xff" * 100) is Reason.MALFORMED
    assert reason_of(CODEC.encode(VOTES)[:-1]) is Reason.MALFORMED


def test_a_bundle_for_elsewhere_is_of_the_wrong_chain() -> None:
    for domain in (
        copy.replace(DOMAIN, chain_id=1),
        copy.replace(DOMAIN, verifying_contract=b"\xbb" * 20),
    ):
        error = refused(lambda other=domain: list(CODEC.decode(Codec(other).encode(VOTES))))  # type: ignore[misc]
        assert error.reason is Reason.WRONG_CHAIN
        assert "this voter is on chain 84532" in str(error)


def test_an_empty_bundle_is_for_nowhere() -> None:
    assert reason_of(b"") is Reason.WRONG_CHAIN


def test_too_many_bytes_are_refused_unread() -> None:
    bundle = pb.Bundle.FromString(CODEC.encode([]))
    bundle.messages.add().signer = bytes(MAX_BUNDLE_BYTES - len(CODEC.encode([])) - 8)
    content = bundle.SerializeToString()
    assert len(content) == MAX_BUNDLE_BYTES
    assert [one.reason for one in CODEC.decode(content) if isinstance(one, RefusedMessage)] == [Reason.MALFORMED]
    assert reason_of(content + b"\0") is Reason.OVERSIZED


def test_too_many_messages_are_oversized() -> None:
    assert len(list(CODEC.decode(CODEC.encode([CERTIFICATE] * MAX_MESSAGES)))) == MAX_MESSAGES
    assert reason_of(CODEC.encode([CERTIFICATE] * (MAX_MESSAGES + 1))) is Reason.OVERSIZED


def test_one_bad_message_does_not_spoil_the_others() -> None:
    bundle = pb.Bundle.FromString(CODEC.encode([VOTES[0], VOTES[1], VOTES[2]]))
    bundle.messages[1].vote.choice = 9
    first, second, third = CODEC.decode(bundle.SerializeToString())
    assert (first, third) == (VOTES[0], VOTES[2])
    assert isinstance(second, RefusedMessage)
    assert second.reason is Reason.MALFORMED


@pytest.mark.parametrize("body", ["commit", "reveal", "report", "nothing"])
def test_a_body_that_this_protocol_does_not_have_is_malformed(body: str) -> None:
    bundle = pb.Bundle.FromString(CODEC.encode([]))
    message = bundle.messages.add()
    if body != "nothing":
        getattr(message, body).SetInParent()
    [one] = CODEC.decode(bundle.SerializeToString())
    assert isinstance(one, RefusedMessage)
    assert one.reason is Reason.MALFORMED
    assert f"{body} is no message of this protocol" in str(one)


def test_a_body_of_a_later_version_is_malformed() -> None:
    # Field 15 is in no message of ours: proto3 keeps it, and no body is set.
    bundle = pb.Bundle.FromString(CODEC.encode([]))
    content = bundle.SerializeToString() + b"\x1a\x02\x78\x01"
    [one] = CODEC.decode(content)
    assert isinstance(one, RefusedMessage)
    assert one.reason is Reason.MALFORMED


def test_what_the_protocol_does_not_have_is_not_sent() -> None:
    @dataclasses.dataclass(frozen=True)
    class Oath:
        epoch: int = 1

    with pytest.raises(TypeError, match="Oath is no message of this protocol"):
        CODEC.encode([Signed(Oath(), b"\1" * 20, b"\2" * 65)])  # type: ignore[arg-type]  # that is the test


def decode_anything(content: bytes) -> Sequence[Payload | RefusedMessage]:
    """Whatever comes, it is messages and refusals; an empty list when the bundle itself is refused."""
    try:
        return list(CODEC.decode(content))
    except RefusedMessage:
        return []


@settings(max_examples=500)
@given(st.binary(max_size=400))
def test_random_bytes_are_only_refused(content: bytes) -> None:
    assert decode_anything(content) == []


@settings(max_examples=500)
@given(st.integers(0, 2**32))
def test_a_mutated_bundle_is_only_refused_or_read(seed: int) -> None:
    content = mutated(CODEC.encode([*VOTES, CERTIFICATE]), random.Random(seed))
    for one in decode_anything(content):
        assert isinstance(one, RefusedMessage | Certificate | Signed)


@pytest.mark.parametrize("count", [0, 1, MAX_MESSAGES, MAX_MESSAGES + 1, 2 * MAX_MESSAGES + 1])
def test_what_is_too_much_for_one_bundle_goes_in_several_that_are_taken(count: int) -> None:
    payloads: list[Payload] = [VOTES[number % len(VOTES)] for number in range(count)]
    made = bundles(payloads)
    assert len(made) == -(-count // MAX_MESSAGES)
    assert [one for bundle in made for one in CODEC.decode(bundle)] == payloads


def test_large_messages_share_a_bundle_while_it_may_be_taken() -> None:
    many = keys(200)
    payloads: list[Payload] = [make_certificate([sign(vote(), key, DOMAIN) for key in many])] * 100
    made = bundles(payloads)
    assert max(map(len, made)) <= MAX_BUNDLE_BYTES
    assert [one for bundle in made for one in CODEC.decode(bundle)] == payloads
    one = len(CODEC.encode(payloads[:1]))
    assert all(len(bundle) + one > MAX_BUNDLE_BYTES for bundle in made[:-1])


def large(signatures: int) -> Certificate:
    return copy.replace(CERTIFICATE, signatures=CERTIFICATE.signatures[:1] * signatures)


def test_what_is_too_large_for_any_bundle_is_refused_and_everything_else_goes() -> None:
    error, bundle = CODEC.bundles([VOTES[0], large(6000), *VOTES[1:]])
    assert isinstance(error, RefusedMessage)
    assert error.reason is Reason.OVERSIZED
    assert "a certificate of 5460" in str(error)
    assert isinstance(bundle, bytes)
    assert list(CODEC.decode(bundle)) == VOTES


def test_the_largest_that_is_sent_is_taken() -> None:
    made = [one for signatures in range(5700, 5800, 5) for one in CODEC.bundles([large(signatures)])]
    sent = [one for one in made if isinstance(one, bytes)]
    assert 0 < len(sent) < len(made)
    assert MAX_BUNDLE_BYTES - 1000 < max(map(len, sent)) <= MAX_BUNDLE_BYTES
