"""Epochs are published whole, once, growing, by who may; their digest is Python's."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.deployment import ADMIN, TIER, Deployment, deploy
from contracts.evm import Reverted
from noderr.types.consensus import VoterSet

STRANGER = b"\x57" * 20
VOTERS = VoterSet(TIER, 9, {bytes([n]) * 20: 10 * n for n in (4, 1, 3, 2)})
ADDRESSES = st.binary(min_size=20, max_size=20).filter(any)
WEIGHTS = st.dictionaries(ADDRESSES, st.integers(1, 2**128 - 1), min_size=1, max_size=12)


def refused(deployment: Deployment, function: str, *arguments: Any, sender: bytes = ADMIN) -> tuple[Any, ...]:
    with pytest.raises(Reverted) as caught:
        deployment.registry.send(sender, function, *arguments)
    return (caught.value.name, *caught.value.arguments)


def text(address: bytes) -> str:
    return f"0x{address.hex()}"


def test_a_published_epoch_says_what_pythons_voter_set_says(deployment: Deployment) -> None:
    receipt = deployment.publish(VOTERS)
    registry = deployment.registry
    ascending = tuple(map(text, VOTERS.voters))
    assert receipt.events == {"EpochPublished": (TIER, 9, VOTERS.digest, 100, ascending, (10, 20, 30, 40))}
    assert {voter: registry.read("weightOf", TIER, 9, voter) for voter in VOTERS.voters} == VOTERS.weights
    assert registry.read("weightOf", TIER, 9, STRANGER) == 0
    assert registry.read("totalWeight", TIER, 9) == VOTERS.total
    assert registry.read("digestOf", TIER, 9) == VOTERS.digest
    assert registry.read("currentEpoch", TIER) == (True, 9)


@settings(deadline=None, max_examples=40)
@given(st.integers(1, 3), st.integers(0, 2**64 - 1), WEIGHTS)
def test_the_digest_is_pythons(tier: int, epoch: int, weights: dict[bytes, int]) -> None:
    deployment, voters = deploy(), VoterSet(tier, epoch, weights)
    deployment.publish(voters)
    assert deployment.registry.read("digestOf", tier, epoch) == voters.digest
    assert deployment.registry.read("totalWeight", tier, epoch) == voters.total


def test_what_is_not_published_weighs_nothing(deployment: Deployment) -> None:
    deployment.publish(VOTERS)
    for tier, epoch in ((TIER, 8), (TIER, 10), (2, 9)):
        assert deployment.registry.read("totalWeight", tier, epoch) == 0
        assert deployment.registry.read("isPublished", tier, epoch) is False
        assert deployment.registry.read("weightOf", tier, epoch, VOTERS.voters[0]) == 0
    assert deployment.registry.read("currentEpoch", 2) == (False, 0)


@pytest.mark.parametrize("epoch", [0, 8, 9])
def test_epochs_only_grow(deployment: Deployment, epoch: int) -> None:
    deployment.publish(VOTERS)
    other = b"\x99" * 20
    assert refused(deployment, "publishEpoch", TIER, epoch, [other], [1]) == ("EpochNotNewer", TIER, epoch, 9)
    assert deployment.registry.read("digestOf", TIER, 9) == VOTERS.digest


def test_the_first_epoch_may_be_zero_and_is_published_once(deployment: Deployment) -> None:
    deployment.publish(VoterSet(TIER, 0, VOTERS.weights))
    assert deployment.registry.read("currentEpoch", TIER) == (True, 0)
    assert refused(deployment, "publishEpoch", TIER, 0, VOTERS.voters, [1] * 4) == ("EpochNotNewer", TIER, 0, 0)


def test_tiers_grow_apart_and_old_epochs_stay(deployment: Deployment) -> None:
    later = VoterSet(TIER, 12, {STRANGER: 1})
    for voters in (VOTERS, VoterSet(1, 2, VOTERS.weights), later):
        deployment.publish(voters)
    assert deployment.registry.read("currentEpoch", TIER) == (True, 12)
    assert deployment.registry.read("currentEpoch", 1) == (True, 2)
    assert deployment.registry.read("digestOf", TIER, 9) == VOTERS.digest
    assert deployment.registry.read("weightOf", TIER, 9, STRANGER) == 0
    assert deployment.registry.read("weightOf", TIER, 12, VOTERS.voters[0]) == 0


A, B = b"\x0a" * 20, b"\x0b" * 20


@pytest.mark.parametrize(
    ("voters", "weights", "error"),
    [
        ([], [], ("WrongLength", 0, 0)),
        ([A, B], [1], ("WrongLength", 2, 1)),
        ([A], [1, 2], ("WrongLength", 1, 2)),
        ([B, A], [1, 1], ("VotersNotAscending", 1, text(A))),
        ([A, A], [1, 1], ("VotersNotAscending", 1, text(A))),
        ([bytes(20), A], [1, 1], ("VotersNotAscending", 0, text(bytes(20)))),
        ([A, B], [1, 0], ("ZeroWeight", 1, text(B))),
    ],
)
def test_what_is_no_set_of_voters_is_refused(
    deployment: Deployment, voters: list[bytes], weights: list[int], error: tuple[Any, ...]
) -> None:
    assert refused(deployment, "publishEpoch", TIER, 9, voters, weights) == error
    assert deployment.registry.read("isPublished", TIER, 9) is False


def test_an_epoch_has_at_most_256_voters(deployment: Deployment) -> None:
    weights = {number.to_bytes(20, "big"): 2**128 - 1 for number in range(1, 257)}
    voters = VoterSet(TIER, 9, weights)
    deployment.publish(voters)
    assert deployment.registry.read("totalWeight", TIER, 9) == voters.total
    assert deployment.registry.read("digestOf", TIER, 9) == voters.digest
    more = [number.to_bytes(20, "big") for number in range(1, 258)]
    assert refused(deployment, "publishEpoch", TIER, 10, more, [1] * 257) == ("WrongLength", 257, 257)


@pytest.mark.parametrize("tier", [0, 4, 255])
def test_there_are_three_tiers(deployment: Deployment, tier: int) -> None:
    assert refused(deployment, "publishEpoch", tier, 1, [A], [1]) == ("UnknownTier", tier)


@pytest.mark.parametrize(
    ("function", "arguments", "role"),
    [
        ("publishEpoch", (TIER, 9, [A], [1]), "PUBLISHER_ROLE"),
        ("pause", (), "PAUSER_ROLE"),
        ("unpause", (), "DEFAULT_ADMIN_ROLE"),
    ],
)
def test_only_who_may(deployment: Deployment, function: str, arguments: tuple[Any, ...], role: str) -> None:
    denied = refused(deployment, function, *arguments, sender=STRANGER)
    assert denied == ("AccessControlUnauthorizedAccount", text(STRANGER), deployment.registry.read(role))


def test_a_pause_stops_publishing_until_the_admin_ends_it(deployment: Deployment) -> None:
    deployment.registry.send(ADMIN, "grantRole", deployment.registry.read("PAUSER_ROLE"), STRANGER)
    deployment.registry.send(STRANGER, "pause")
    assert refused(deployment, "publishEpoch", TIER, 9, [A], [1]) == ("EnforcedPause",)
    assert refused(deployment, "unpause", sender=STRANGER)[0] == "AccessControlUnauthorizedAccount"
    deployment.registry.send(ADMIN, "unpause")
    deployment.publish(VOTERS)


def test_the_admin_changes_in_two_steps_and_is_never_nobody(deployment: Deployment) -> None:
    registry = deployment.registry
    admin_role = registry.read("DEFAULT_ADMIN_ROLE")
    assert refused(deployment, "beginDefaultAdminTransfer", bytes(20)) == ("AdminNeeded",)
    assert refused(deployment, "renounceRole", admin_role, ADMIN)[0] == "AccessControlEnforcedDefaultAdminDelay"
    registry.send(ADMIN, "beginDefaultAdminTransfer", STRANGER)
    assert registry.read("defaultAdmin") == text(ADMIN)
    deployment.evm.now_s += 1
    registry.send(STRANGER, "acceptDefaultAdminTransfer")
    assert registry.read("defaultAdmin") == text(STRANGER)
