"""Who is on a round's committee: drawn from the pool by a public seed, so that anyone draws the same.

Oracles are drawn one after another, each with the chance that its power has among those that are left (successive
sampling). Those of the last rounds' committees rest, as far as the pool allows.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from noderr.oracle_consensus.errors import CommitteeError, LotteryError
from noderr.oracle_consensus.keccak_stream import KeccakStream
from noderr.oracle_consensus.voting_power import LEAST_VOTERS
from noderr.types.consensus.weights import MAX_VOTERS
from noderr.types.eip712 import parse_struct_type

SEED_TYPE = parse_struct_type(
    "CommitteeSeed(uint256 chainId,address verifyingContract,uint64 epoch,uint64 round,bytes32 randomness)"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class CommitteeParams:
    """`target` members, fewer in a small pool but never below `minimum`; no setting of `target` is above `maximum`.

    Who has served rests for `cooldown` rounds. Raises `LotteryError`.
    """

    minimum: int = 7
    target: int = 10
    maximum: int = 15
    cooldown: int = 3

    def __post_init__(self) -> None:
        if not LEAST_VOTERS <= self.minimum <= self.target <= self.maximum <= MAX_VOTERS:
            raise LotteryError(
                f"minimum {self.minimum}, target {self.target}, maximum {self.maximum}: they must ascend, "
                f"from {LEAST_VOTERS} to {MAX_VOTERS}"
            )
        if self.cooldown < 0:
            raise LotteryError(f"cooldown is {self.cooldown}: it must be at least 0 rounds")

    def effective_cooldown(self, pool: int) -> int:
        """How many rounds can be rested in a pool of so many, such that `minimum` are always left."""
        return max(0, min(self.cooldown, (pool - self.minimum) // self.target))


@dataclass(frozen=True, slots=True)
class Committee:
    """`members` in the order in which they were drawn, which is the order in which they lead."""

    seed: bytes
    members: tuple[bytes, ...]


def beacon_seed(chain_id: int, contract: bytes, epoch: int, round: int, randomness: bytes) -> bytes:
    """32 bytes, another for every chain, contract (20 bytes), epoch, round and randomness (32 bytes).

    It is an EIP-712 struct hash, so that a contract can compute it. Raises `TypedDataError`.
    """
    return SEED_TYPE.hash_struct(
        {
            "chainId": chain_id,
            "verifyingContract": contract,
            "epoch": epoch,
            "round": round,
            "randomness": randomness,
        }
    )


def select_committee(
    pool: Mapping[bytes, int], seed: bytes, params: CommitteeParams, history: Sequence[Collection[bytes]]
) -> Committee:
    """The committee that `seed` draws. Raises `LotteryError` when fewer than the minimum have power.

    `pool` gives each oracle's power; who has none is not drawn. `history` are the members of earlier committees, the
    latest last.
    """
    if len(seed) != 32:
        raise LotteryError(f"the seed has {len(seed)} bytes: it must have 32, see `beacon_seed`")
    if any(power < 0 for power in pool.values()):
        raise LotteryError(f"a power is {min(pool.values())}: it must be at least 0")
    able = {oracle: power for oracle, power in pool.items() if power}
    if len(able) < params.minimum:
        raise LotteryError(
            f"{len(able)} oracles have power, and a committee has at least {params.minimum}: wait for more"
        )
    rested = _rested(able, params, history)
    return Committee(seed, _draw(rested, min(params.target, len(rested)), KeccakStream(seed)))


def verify_committee(
    committee: Committee,
    pool: Mapping[bytes, int],
    seed: bytes,
    params: CommitteeParams,
    history: Sequence[Collection[bytes]],
) -> None:
    """Nothing, if `seed` draws just this committee. Raises `CommitteeError`; `LotteryError` if it can draw none."""
    if committee != select_committee(pool, seed, params, history):
        raise CommitteeError(
            "the committee is not the one that its round's seed draws from the pool: it was chosen by somebody, or "
            "drawn from another pool, seed or history"
        )


def _rested(
    able: Mapping[bytes, int], params: CommitteeParams, history: Sequence[Collection[bytes]]
) -> dict[bytes, int]:
    rounds = params.effective_cooldown(len(able))
    while True:
        resting = {oracle for members in history[max(0, len(history) - rounds) :] for oracle in members}
        rested = {oracle: power for oracle, power in able.items() if oracle not in resting}
        # By the figures of today there are enough; committees drawn when the target was larger may say otherwise.
        if len(rested) >= params.minimum:
            return rested
        rounds -= 1


def _draw(powers: Mapping[bytes, int], count: int, stream: KeccakStream) -> tuple[bytes, ...]:
    left = sorted(powers.items())
    drawn: list[bytes] = []
    for _ in range(count):
        ticket = stream.below(sum(power for _, power in left))
        for index, (oracle, power) in enumerate(left):
            if ticket < power:
                drawn.append(oracle)
                del left[index]
                break
            ticket -= power
    return tuple(drawn)
