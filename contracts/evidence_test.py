"""Evidence: two votes where one may be cast name who signed both; nobody is named for less."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from contracts.deployment import ADMIN, Deployment, account_keys, deploy, vote
from contracts.evm import Reverted
from contracts.spoiling import high_s
from contracts.verdicts import contract_evidence, python_evidence, vote_tuple
from noderr.types.consensus import Choice, Evidence, Signed, Vote, sign

OFFENDER, OTHER = account_keys(2)
VOTE = vote(9, 1_790_000_060)
SLOTS, SIGNERS, SAME = 0, 1, 2


def signed(deployment: Deployment, **changes: Any) -> Signed[Vote]:
    return sign(copy.replace(VOTE, **changes), OFFENDER, deployment.domain)


def refused(deployment: Deployment, evidence: Evidence[Vote]) -> tuple[Any, ...]:
    """The contract's error, which is Python's reason."""
    first, second = evidence.first, evidence.second
    with pytest.raises(Reverted) as caught:
        deployment.verifier.read(
            "isEquivocation",
            vote_tuple(first.message),
            vote_tuple(second.message),
            first.signature,
            second.signature,
        )
    assert python_evidence(deployment, evidence) == caught.value.name
    return (caught.value.name, *caught.value.arguments)


@pytest.mark.parametrize(
    "changes", [{"subject": b"\3" * 32}, {"choice": Choice.REJECT}, {"codes": 1}, {"expires_at_s": 1}]
)
def test_two_votes_in_one_slot_name_the_offender(deployment: Deployment, changes: dict[str, Any]) -> None:
    first, second = signed(deployment), signed(deployment, **changes)
    for evidence in (Evidence(first, second), Evidence(second, first)):
        assert contract_evidence(deployment, evidence) == OFFENDER.address
        assert python_evidence(deployment, evidence) == OFFENDER.address


@pytest.mark.parametrize("changes", [{"round": 6}, {"epoch": 10}, {"topic": b"\3" * 32}, {"tier": 2}])
def test_votes_that_may_both_be_cast_are_none(deployment: Deployment, changes: dict[str, Any]) -> None:
    evidence = Evidence(signed(deployment), signed(deployment, **changes))
    assert refused(deployment, evidence) == ("Unproven", SLOTS)


def test_one_vote_twice_is_none(deployment: Deployment) -> None:
    assert refused(deployment, Evidence(signed(deployment), signed(deployment))) == ("Unproven", SAME)


def test_votes_of_two_are_none(deployment: Deployment) -> None:
    other = sign(copy.replace(VOTE, subject=b"\3" * 32), OTHER, deployment.domain)
    assert refused(deployment, Evidence(signed(deployment), other)) == ("Unproven", SIGNERS)


@pytest.mark.parametrize("which", [0, 1])
def test_a_signature_that_nobody_made_is_refused(deployment: Deployment, which: int) -> None:
    votes = [signed(deployment), signed(deployment, subject=b"\3" * 32)]
    true = votes[which].signature
    for spoiled in (b"", true[:64], true + b"\0", bytes(65), true[:64] + b"\1", high_s(true)):
        votes[which] = copy.replace(votes[which], signature=spoiled)
        evidence = Evidence(votes[0], votes[1])
        assert refused(deployment, evidence) == ("BadSignature", which, f"0x{'00' * 20}")


@pytest.mark.parametrize("which", [0, 1])
@pytest.mark.parametrize(
    ("member", "index", "value"), [("tier", 0, 0), ("tier", 0, 4), ("choice", 5, 9), ("expiresAt", 7, 0)]
)
def test_what_is_no_vote_is_malformed(deployment: Deployment, which: int, member: str, index: int, value: int) -> None:
    # Python has no such `Vote`: its constructor refuses the same values.
    votes: list[list[Any]] = [list(vote_tuple(VOTE)), list(vote_tuple(VOTE))]
    votes[which][index] = value
    with pytest.raises(Reverted) as caught:
        deployment.verifier.read("isEquivocation", *map(tuple, votes), b"", b"")
    assert (caught.value.name, *caught.value.arguments) == ("Malformed", member, value)


def test_a_vote_for_another_contract_or_chain_accuses_nobody_here(deployment: Deployment) -> None:
    for other in (deploy(chain_id=1), copy.replace(deployment, verifier=deploy().registry)):
        evidence = Evidence(signed(other), signed(other, subject=b"\3" * 32))
        assert contract_evidence(deployment, evidence) == "Unproven", "each digest is another's here"


def test_evidence_stands_alone(deployment: Deployment) -> None:
    # No epoch is published, the votes are long expired, and the registry is paused.
    deployment.registry.send(ADMIN, "pause")
    deployment.evm.now_s = VOTE.expires_at_s + 10**6
    evidence = Evidence(signed(deployment), signed(deployment, codes=1))
    assert contract_evidence(deployment, evidence) == OFFENDER.address
