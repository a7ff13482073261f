"""Who may vote in an epoch, with which weight, and when a weight decides. Integers only."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cached_property

from noderr.types.consensus.errors import WeightError
from noderr.types.eip712 import parse_struct_type
from noderr.types.signing.account_key import ADDRESS_BYTES, checksum_address

VOTER_SET_TYPE = parse_struct_type("VoterSet(uint8 tier,uint64 epoch,address[] voters,uint128[] weights)")

MAX_VOTERS = 256
_MAX_WEIGHT = (1 << 128) - 1


def has_quorum(weight: int, total: int) -> bool:
    """Whether `weight` of `total` decides: more than two thirds, strictly, in integers.

    Two quorums then share more than a third of the weight, so at least one honest voter while less than a third is
    Byzantine (Lamport, Shostak and Pease 1982; Castro and Liskov 1999).
    """
    return 3 * weight > 2 * total


def max_faulty(voters: int) -> int:
    """How many of so many voters of equal weight may be Byzantine: the largest f with voters >= 3f + 1."""
    return (voters - 1) // 3


@dataclass(frozen=True)
class VoterSet:
    """The voters of one tier in one epoch: address to weight. The set does not change within its epoch."""

    tier: int
    epoch: int
    weights: Mapping[bytes, int]

    def __post_init__(self) -> None:
        if not 1 <= len(self.weights) <= MAX_VOTERS:
            raise WeightError(
                f"epoch {self.epoch} of tier {self.tier} has {len(self.weights)} voters: 1 to {MAX_VOTERS}"
            )
        for voter, weight in self.weights.items():
            if not isinstance(voter, bytes) or len(voter) != ADDRESS_BYTES:
                raise WeightError(f"{voter!r} is no voter's address: it has {ADDRESS_BYTES} bytes")
            if not isinstance(weight, int) or isinstance(weight, bool) or not 0 < weight <= _MAX_WEIGHT:
                raise WeightError(f"{checksum_address(voter)} has the weight {weight!r}: an int above 0, of 128 bits")

    @cached_property
    def total(self) -> int:
        """The weight of all, whether they vote or not: what a quorum is measured against."""
        return sum(self.weights.values())

    @cached_property
    def voters(self) -> tuple[bytes, ...]:
        """All addresses, ascending."""
        return tuple(sorted(self.weights))

    @cached_property
    def digest(self) -> bytes:
        """`hashStruct` of the set, 32 bytes: two nodes that have the same one count alike."""
        return VOTER_SET_TYPE.hash_struct(
            {
                "tier": self.tier,
                "epoch": self.epoch,
                "voters": self.voters,
                "weights": [self.weights[voter] for voter in self.voters],
            }
        )

    def weight_of(self, voters: Collection[bytes]) -> int:
        """The weight of these voters, each counted once; who is none weighs nothing."""
        return sum([self.weights.get(voter, 0) for voter in set(voters)])

    def decides(self, voters: Collection[bytes]) -> bool:
        """Whether these voters are a quorum."""
        return has_quorum(self.weight_of(voters), self.total)
