"""The oracles' messages: digests equal those of eth-account, and what makes no sense cannot be made."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from eth_account.messages import encode_typed_data
from hypothesis import given, settings
from hypothesis import strategies as st

from noderr.core.consensus.testing import DOMAIN
from noderr.oracle_consensus.messages import (
    MAX_SEEN,
    Commit,
    Observation,
    Report,
    Reveal,
    commitment,
    observations_digest,
)
from noderr.oracle_consensus.testing import ADDRESSES, KEYS, MODEL, PLACE, commit, observation, report, reveal, salt
from noderr.types.consensus import Signed
from noderr.types.keccak import keccak256
from noderr.types.trading.errors import FieldError

WORD = {"type": "bytes32"}
U64 = {"type": "uint64"}
IN_ROUND = [{"name": "epoch", **U64}, {"name": "round", **U64}, {"name": "topic", **WORD}]
OBSERVATION = [
    {"name": "abstain", "type": "bool"},
    {"name": "predictionE8", "type": "int64"},
    {"name": "confidenceBps", "type": "uint16"},
    {"name": "midPriceE8", **U64},
    {"name": "observedAt", **U64},
    {"name": "modelHash", **WORD},
]


def theirs(types: dict[str, Any], message: dict[str, Any]) -> bytes:
    """The digest that eth-account computes."""
    domain = {"name": "NodeOS", "version": "1", "chainId": 84532, "verifyingContract": "0x" + "aa" * 20}
    made = encode_typed_data(domain, types, message)
    return keccak256(b"\x19" + made.version + made.header + made.body)


OBSERVATIONS = st.builds(
    Observation,
    prediction_e8=st.integers(-(2**63), 2**63 - 1),
    confidence_bps=st.integers(0, 10_000),
    mid_price_e8=st.integers(1, 2**64 - 1),
    observed_at_s=st.integers(0, 2**64 - 1),
    model_hash=st.binary(min_size=32, max_size=32),
)


_WORDS = st.binary(min_size=32, max_size=32)
_PLACES = st.fixed_dictionaries(
    {"epoch": st.integers(0, 2**64 - 1), "round": st.integers(0, 2**64 - 1), "topic": _WORDS}
)


@settings(deadline=None)
@given(_PLACES, OBSERVATIONS, _WORDS, st.sets(_WORDS, max_size=12), st.integers(0, 2**32 - 1))
def test_hashes_made_by_hand_are_those_of_the_type(
    place: dict[str, Any], seen: Observation, word: bytes, commitments: set[bytes], view: int
) -> None:
    revealed = Reveal(**place, observation=seen, salt=word, seen=tuple(sorted(commitments)))
    reported = Report(**place, view=view, subject=word, reveals=(Signed(revealed, ADDRESSES[0], b""),))
    for message in (seen, Commit(**place, commitment=word), revealed, reported):
        assert message.struct_hash == message.TYPE.hash_struct(message.struct())


@settings(deadline=None)
@given(OBSERVATIONS, st.binary(min_size=32, max_size=32), st.sets(st.binary(min_size=32, max_size=32), max_size=5))
def test_a_reveals_digest_is_that_of_eth_account(seen: Observation, salted: bytes, commitments: set[bytes]) -> None:
    made = Reveal(**PLACE, observation=seen, salt=salted, seen=tuple(sorted(commitments)))
    types = {
        "Reveal": [
            *IN_ROUND,
            {"name": "observation", "type": "Observation"},
            {"name": "salt", **WORD},
            {"name": "seen", "type": "bytes32[]"},
        ],
        "Observation": OBSERVATION,
    }
    message = {
        **PLACE,
        "observation": {
            "abstain": False,
            "predictionE8": seen.prediction_e8,
            "confidenceBps": seen.confidence_bps,
            "midPriceE8": seen.mid_price_e8,
            "observedAt": seen.observed_at_s,
            "modelHash": seen.model_hash,
        },
        "salt": salted,
        "seen": sorted(commitments),
    }
    assert made.digest_in(DOMAIN) == theirs(types, message)


def test_a_commitments_digest_is_that_of_eth_account() -> None:
    types = {"Commit": [*IN_ROUND, {"name": "commitment", **WORD}]}
    made = commit(1).message
    assert made.digest_in(DOMAIN) == theirs(types, {**PLACE, "commitment": made.commitment})


def test_a_reports_digest_is_that_of_eth_account() -> None:
    types = {
        "Report": [
            *IN_ROUND,
            {"name": "view", "type": "uint32"},
            {"name": "observations", **WORD},
            {"name": "subject", **WORD},
        ]
    }
    made = report(2).message
    observations = keccak256(b"".join(ADDRESSES[one] + reveal(one).message.struct_hash for one in range(4)))
    message = {**PLACE, "view": 2, "observations": observations, "subject": made.subject}
    assert made.digest_in(DOMAIN) == theirs(types, message)


@pytest.mark.parametrize(
    "changes",
    [{"epoch": 8}, {"round": 4}, {"topic": b"\4" * 32}, {"view": 1}, {"subject": b"\1" * 32}, {"reveals": ()}],
)
def test_everything_in_a_report_is_signed(changes: dict[str, Any]) -> None:
    made = report().message
    assert copy.replace(made, **changes).struct_hash != made.struct_hash


def test_a_commitment_binds_its_maker_to_what_it_hides() -> None:
    made = commitment(ADDRESSES[1], observation(1), salt(1))
    mine = reveal(1).message
    assert mine.commitment_of(ADDRESSES[1]) == made
    assert mine.commitment_of(ADDRESSES[2]) != made, "a copy opens to nothing"
    assert mine.commitment_of(ADDRESSES[1]) == made, "whoever else was asked about"
    assert reveal(1, salt=salt(2)).message.commitment_of(ADDRESSES[1]) != made
    assert reveal(1, observation(2)).message.commitment_of(ADDRESSES[1]) != made


def test_who_revealed_what_is_in_the_digest() -> None:
    one, two = reveal(1), reveal(2)
    swapped = (Signed(two.message, one.signer, b""), Signed(one.message, two.signer, b""))
    assert len({observations_digest(of) for of in ((), (one,), (one, two), swapped)}) == 4
    assert observations_digest((copy.replace(one, signature=b""),)) == observations_digest((one,))


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"prediction_e8": 2**63}, "prediction_e8"),
        ({"prediction_e8": 1.5}, "prediction_e8"),
        ({"confidence_bps": 10_001}, "confidence_bps"),
        ({"confidence_bps": -1}, "confidence_bps"),
        ({"mid_price_e8": 0}, "mid_price_e8"),
        ({"mid_price_e8": 2**64}, "mid_price_e8"),
        ({"observed_at_s": -1}, "observed_at_s"),
        ({"model_hash": b"\1" * 31}, "model_hash"),
        ({"abstain": True}, "abstain"),
    ],
)
def test_an_observation_that_makes_no_sense(changes: dict[str, Any], field: str) -> None:
    with pytest.raises(FieldError, match=field):
        observation(1, **changes)


@pytest.mark.parametrize("said", ["prediction_e8", "confidence_bps", "mid_price_e8", "observed_at_s"])
def test_who_abstains_says_nothing_else(said: str) -> None:
    with pytest.raises(FieldError, match="abstain"):
        Observation(abstain=True, **{said: 1})  # type: ignore[arg-type]  # Integers all.


@pytest.mark.parametrize(
    ("make", "field"),
    [
        (lambda: Commit(**(PLACE | {"epoch": -1}), commitment=MODEL), "epoch"),
        (lambda: Commit(**(PLACE | {"round": 2**64}), commitment=MODEL), "round"),
        (lambda: Commit(**(PLACE | {"topic": b""}), commitment=MODEL), "topic"),
        (lambda: Commit(**PLACE, commitment=b"\1" * 33), "commitment"),
        (lambda: reveal(1, salt=b""), "salt"),
        (lambda: reveal(1, seen=(b"\1" * 31,)), "seen"),
        (lambda: reveal(1, seen=(b"\2" * 32, b"\1" * 32)), "seen"),
        (lambda: reveal(1, seen=(b"\1" * 32, b"\1" * 32)), "seen"),
        (lambda: reveal(1, seen=tuple(n.to_bytes(32, "big") for n in range(MAX_SEEN + 1))), "seen"),
        (lambda: report(0, subject=b"\1" * 31), "subject"),
        (lambda: copy.replace(report().message, view=-1), "view"),
        (lambda: copy.replace(report().message, reveals=(reveal(2), reveal(1))), "reveals"),
        (lambda: copy.replace(report().message, reveals=(reveal(1), reveal(1))), "reveals"),
    ],
)
def test_a_message_that_makes_no_sense(make: Any, field: str) -> None:
    with pytest.raises(FieldError, match=field):
        make()


def test_a_report_shows_in_logs_without_its_reveals() -> None:
    assert "reveals" not in repr(report().message)
    assert isinstance(report().message, Report)
    assert report().signer in {key.address for key in KEYS}
