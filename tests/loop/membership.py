"""Who takes part in a replay: names, accounts and weights, made from the seed; the same seed gives the same people."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from noderr.types.consensus import VoterSet
from noderr.types.eip712 import Domain
from noderr.types.keccak import keccak256
from noderr.types.signing.account_key import AccountKey
from noderr.types.tier_numbers import GUARDIAN_TIER, ORACLE_TIER, VALIDATOR_TIER

EPOCH = 1
WEIGHT = 10


@dataclass(frozen=True, slots=True)
class Member:
    """A node and the account that it signs with."""

    name: str
    tier: int
    key: AccountKey


@dataclass(frozen=True)
class Network:
    """`domain` is where signatures count: chain and contract of the replay's own chain."""

    domain: Domain
    oracles: tuple[Member, ...]
    guardians: tuple[Member, ...]
    validators: tuple[Member, ...]

    def members(self, tier: int) -> tuple[Member, ...]:
        return {ORACLE_TIER: self.oracles, GUARDIAN_TIER: self.guardians, VALIDATOR_TIER: self.validators}[tier]

    def voters(self, tier: int) -> VoterSet:
        return voter_set(tier, self.members(tier))


def voter_set(tier: int, members: Sequence[Member]) -> VoterSet:
    """Of equal weight."""
    return VoterSet(tier, EPOCH, {member.key.address: WEIGHT for member in members})


def make_members(seed: int, tier: int, kind: str, count: int) -> tuple[Member, ...]:
    """Accounts of a replay only: their keys follow from the seed, so they guard nothing."""
    return tuple(
        Member(
            f"{kind}-{number}",
            tier,
            AccountKey(keccak256(b"noderr replay account\0" + f"{seed} {kind} {number}".encode())),
        )
        for number in range(1, count + 1)
    )


def names_by_address(members: Sequence[Member], besides: Member) -> dict[bytes, str]:
    """The other members' names."""
    return {member.key.address: member.name for member in members if member is not besides}
