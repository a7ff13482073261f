"""Bad input: every kind is refused with its own reason, is counted, and changes nothing for the messages after it."""

from __future__ import annotations

import copy
from collections.abc import Callable

import pytest

from noderr.core.consensus.codec import MAX_BUNDLE_BYTES, MAX_MESSAGES, Codec
from noderr.core.consensus.driver_testing import KEYS, DriverRig, signed
from noderr.core.consensus.testing import DOMAIN, NOW_S, vote
from noderr.types.consensus import Certificate, Choice, RefusedMessage, VoterSignature, make_certificate, sign
from noderr.types.signing.account_key import AccountKey

_ELSEWHERE = copy.replace(DOMAIN, chain_id=1)
_HONEST = make_certificate([signed(1), signed(2), signed(3)])
_LAST = _HONEST.signatures[-1]

type Bad = Callable[[DriverRig], RefusedMessage | None]

MESSAGES: dict[str, tuple[str, Bad]] = {
    "forged": ("bad-signature", lambda rig: rig.deliver(copy.replace(signed(1), signer=KEYS[2].address))),
    "signed for another chain": ("bad-signature", lambda rig: rig.deliver(sign(vote(), KEYS[1], _ELSEWHERE))),
    "a signature of zeros": (
        "bad-signature",
        lambda rig: rig.deliver(copy.replace(signed(1), signature=bytes(65))),
    ),
    "replayed": ("replayed", lambda rig: rig.deliver(signed(1, round=3))),
    "expired": ("expired", lambda rig: rig.deliver(signed(1, expires_at_s=NOW_S - 1))),
    "future": ("future", lambda rig: rig.deliver(signed(1, round=7))),
    "far future": ("future", lambda rig: rig.deliver(signed(1, round=2**64 - 1))),
    "wrong epoch": ("wrong-epoch", lambda rig: rig.deliver(signed(1, epoch=8))),
    "another tier's": ("wrong-epoch", lambda rig: rig.deliver(signed(1, tier=2))),
    "of no member": ("not-a-member", lambda rig: rig.deliver(sign(vote(), AccountKey(b"\x77" * 32), DOMAIN))),
    "certificate of two": ("no-quorum", lambda rig: rig.deliver(make_certificate([signed(1), signed(2)]))),
    "certificate, one counted twice": (
        "duplicate",
        lambda rig: rig.deliver(copy.replace(_HONEST, signatures=(*_HONEST.signatures, _LAST))),
    ),
    "certificate, one forged": (
        "bad-signature",
        lambda rig: rig.deliver(_with_last(copy.replace(_LAST, signature=_HONEST.signatures[0].signature))),
    ),
    "certificate, one is no member": (
        "not-a-member",
        lambda rig: rig.deliver(
            copy.replace(_HONEST, signatures=(*_HONEST.signatures, copy.replace(_LAST, voter=b"\xff" * 20)))
        ),
    ),
    "replayed certificate": ("replayed", lambda rig: rig.deliver(copy.replace(_HONEST, round=1))),
    "malformed": ("malformed", lambda rig: rig.driver.on_bundle(_malformed(rig.codec))),
}

BUNDLES: dict[str, tuple[str, Callable[[DriverRig], bytes]]] = {
    "no protobuf": ("malformed", lambda _rig: b"\xff" * 30),
    "nothing": ("wrong-chain", lambda _rig: b""),
    "for another chain": ("wrong-chain", lambda _rig: Codec(_ELSEWHERE).encode([signed(1)])),
    "for another contract": (
        "wrong-chain",
        lambda _rig: Codec(copy.replace(DOMAIN, verifying_contract=b"\xbb" * 20)).encode([signed(1)]),
    ),
    "too many bytes": ("oversized", lambda _rig: bytes(MAX_BUNDLE_BYTES + 1)),
    "too many messages": ("oversized", lambda rig: rig.codec.encode([signed(1)] * (MAX_MESSAGES + 1))),
}


def _with_last(part: VoterSignature) -> Certificate:
    return copy.replace(_HONEST, signatures=(*_HONEST.signatures[:-1], part))


def _malformed(codec: Codec) -> bytes:
    cut = copy.replace(signed(1), signature=b"\1" * 64)
    return codec.encode([cut])


def honest_go_on(rig: DriverRig) -> None:
    rig.deliver(*(signed(voter) for voter in (1, 2, 3)))
    assert [one.certificate for one in rig.decided] == [_HONEST]


@pytest.mark.parametrize("name", MESSAGES)
async def test_a_bad_message_is_refused_by_its_reason_and_the_round_goes_on(name: str) -> None:
    reason, deliver = MESSAGES[name]
    rig = DriverRig()
    round_ = rig.open()
    assert deliver(rig) is None, "the bundle was good; one message in it was not"
    assert not round_.tally.votes
    assert round_.certificate is None
    assert rig.refused() == {reason: 1}
    honest_go_on(rig)


@pytest.mark.parametrize("name", BUNDLES)
async def test_a_bad_bundle_is_refused_by_its_reason_and_the_round_goes_on(name: str) -> None:
    reason, make = BUNDLES[name]
    rig = DriverRig()
    rig.open()
    refused = rig.driver.on_bundle(make(rig))
    assert refused is not None, "the peer that delivered it is told"
    assert refused.reason.value == reason
    assert rig.refused() == {reason: 1}
    honest_go_on(rig)


async def test_the_same_again_is_a_duplicate() -> None:
    rig = DriverRig()
    round_ = rig.open()
    rig.deliver(signed(1), signed(1))
    assert rig.refused() == {"duplicate": 1}
    assert len(round_.tally.votes) == 1
    rig.deliver(signed(2), signed(3))
    assert len(rig.decided) == 1


async def test_who_repeats_two_opinions_is_accused_of_them_once() -> None:
    rig = DriverRig()
    rig.open()
    rig.deliver(signed(1), *[signed(1, choice=Choice.REJECT)] * 3)
    assert len(rig.accused) == 1
    assert rig.count("equivocations_total") == 1
    assert rig.refused() == {"equivocation": 3}
    # In another round it is another thing.
    rig.open(6)
    rig.deliver(signed(1, round=6), signed(1, round=6, choice=Choice.REJECT))
    assert len(rig.accused) == 2


async def test_one_bad_message_in_a_bundle_does_not_spoil_the_rest() -> None:
    rig = DriverRig()
    rig.open()
    rig.deliver(signed(1), signed(2, epoch=8), signed(2), signed(3))
    assert rig.refused() == {"wrong-epoch": 1}
    assert [one.certificate for one in rig.decided] == [_HONEST]


async def test_a_wrong_signature_ends_its_bundle_and_no_other() -> None:
    # Hundreds of them fit in a bundle, and finding that one is wrong takes as long as finding that it is right.
    rig = DriverRig()
    round_ = rig.open()
    wrong = [copy.replace(signed(3), signature=bytes([r]) * 32 + b"\1" * 32 + b"\x1b") for r in range(1, MAX_MESSAGES)]
    rig.deliver(signed(1), *wrong)
    assert rig.refused() == {"bad-signature": 1}
    assert rig.signatures.asked == 2
    rig.deliver(wrong[0], signed(2), signed(3))
    assert list(round_.tally.votes) == [KEYS[1].address], "no honest peer delivers one"
    honest_go_on(rig)
