"""quicknet's own signatures verify, nothing else does, and rounds are where drand's clients have them."""

from __future__ import annotations

import copy
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from noderr.oracle_consensus.errors import FalseRandomnessError
from noderr.oracle_consensus.randomness.drand_beacon import QUICKNET

# Of the README of github.com/very-lame-username/python-drand-verify, a binding of the Rust crate drand-verify.
ROUND = 657413
SIGNATURE = bytes.fromhex(
    "b713718a38ae728dfd477991af2822e08d2f305e47718cef9f7848ce4050e7be41076862b98fad56e91a6b85b89cd97b"
)
RANDOMNESS = bytes.fromhex("fc1873a13f3545aeade8401532ef5519920652eee6b0d2b19ca12643b87b3587")
# Another round of the same network, found in public code that checks it with the library mcl.
OTHER_ROUND = 5928395
OTHER_SIGNATURE = bytes.fromhex(
    "a5d07c0071b4e386b3ae09206522253c68fefe8490ad59ecc44a7dd0d0745be91da5779e2247a82403fbc0cb9a34cb61"
)
# Of the same README: a true signature of drand's older network fastnet, with another key and another hash to the curve.
FASTNET_ROUND = 5713537
FASTNET_SIGNATURE = bytes.fromhex(
    "9391bf57538cf1c0012fabc0d933408d21f785324bcbb4f9850503e5a31e268f6e523e1c1db91ab4bf950752474e1580"
)


def test_the_published_vector() -> None:
    assert QUICKNET.randomness(ROUND, SIGNATURE) == RANDOMNESS


def test_another_round_of_the_network() -> None:
    assert len(QUICKNET.randomness(OTHER_ROUND, OTHER_SIGNATURE)) == 32


@pytest.mark.parametrize(
    ("round", "signature"),
    [
        (ROUND + 1, SIGNATURE),
        (ROUND, OTHER_SIGNATURE),
        (FASTNET_ROUND, FASTNET_SIGNATURE),
        # The same point with the other sign.
        (ROUND, bytes([SIGNATURE[0] ^ 0x20]) + SIGNATURE[1:]),
        # The point at infinity, and the generator of G1.
        (ROUND, b"\xc0" + bytes(47)),
        (
            ROUND,
            bytes.fromhex(
                "97f1d3a73197d7942695638c4fa9ac0fc3688c4f9774b905a14e3a3f171bac586c55e83ff97a1aeffb3af00adb22c6bb"
            ),
        ),
        (0, SIGNATURE),
        (-1, SIGNATURE),
        (2**64, SIGNATURE),
        (ROUND, SIGNATURE[:-1]),
        (ROUND, SIGNATURE + b"\0"),
        (ROUND, b""),
        (ROUND, b"\xff" * 48),
        (ROUND, bytes(48)),
    ],
)
def test_what_the_group_did_not_sign_is_refused(round: int, signature: bytes) -> None:
    with pytest.raises(FalseRandomnessError):
        QUICKNET.randomness(round, signature)


@given(st.integers(0, 48 * 8 - 1))
def test_no_bit_of_a_signature_can_be_changed(bit: int) -> None:
    changed = bytearray(SIGNATURE)
    changed[bit // 8] ^= 1 << bit % 8
    with pytest.raises(FalseRandomnessError):
        QUICKNET.randomness(ROUND, bytes(changed))


def test_another_networks_key_does_not_verify_it() -> None:
    generator_of_g2 = bytes.fromhex(
        "93e02b6052719f607dacd3a088274f65596bd0d09920b61ab5da61bbdc7f5049334cf11213945d57e5ac7d055d042b7e"
        "024aa2b2f08f0a91260805272dc51051c6e47ad4fa403b02b4510b647ae3d1770bac0326a805bbefd48056c8c121bdb8"
    )
    with pytest.raises(FalseRandomnessError, match="does not verify"):
        copy.replace(QUICKNET, public_key=generator_of_g2).randomness(ROUND, SIGNATURE)


# Both pairs are in the README of the Ruby client of drand (rubygems.org/gems/drand).
@pytest.mark.parametrize(
    ("moment", "round"),
    [
        (datetime(2026, 4, 20, tzinfo=UTC), 27946612),
        (datetime(2026, 4, 20, 12, 30, 45, tzinfo=UTC), 27961627),
    ],
)
def test_rounds_are_where_another_client_has_them(moment: datetime, round: int) -> None:
    assert QUICKNET.round_from(int(moment.timestamp())) == round
    assert QUICKNET.published_at_s(round) == int(moment.timestamp())


@given(st.integers(0, 2**40))
def test_a_round_is_the_first_at_or_after_its_moment(time_s: int) -> None:
    round = QUICKNET.round_from(time_s)
    assert round >= 1
    assert QUICKNET.published_at_s(round) >= time_s
    assert round == 1 or QUICKNET.published_at_s(round - 1) < time_s
