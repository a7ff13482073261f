"""The oracles' committee of an epoch, drawn by a drand beacon: a document from which anyone draws it again.

It stands in the voters' file as `oracle_draw`, and every oracle checks it before it votes. In an epoch the committee
stays, so that a contract can know it; the lottery's rounds and its cooldown are epochs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import msgspec

from noderr.oracle_consensus.errors import CommitteeError
from noderr.oracle_consensus.lottery import CommitteeParams, beacon_seed, select_committee
from noderr.oracle_consensus.randomness.drand_beacon import QUICKNET, Beacon
from noderr.oracle_consensus.voting_power import capped_powers, voting_power
from noderr.types.consensus import VoterSet
from noderr.types.eip712 import Domain
from noderr.types.errors import TypesError
from noderr.types.signing.account_key import checksum_address, parse_address

_ROUND = 0


class PoolMember(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An oracle that may be drawn; `stake_wei` is text, because it has more digits than a double."""

    account: str
    stake_wei: str
    reputation: int


class EpochDraw(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`due_at_unix_s`: the moment whose drand round counts, fixed before the pool was closed; `signature` proves it.

    `history` are the committees of the epochs before, the latest last.
    """

    epoch: int
    due_at_unix_s: int
    signature: str
    pool: list[PoolMember]
    history: list[list[str]] = []
    minimum: int = 7
    target: int = 10
    maximum: int = 15
    cooldown: int = 3


@dataclass(frozen=True, slots=True)
class DrawnCommittee:
    """`weights` are capped below a third; `leaders` is the order of the draw."""

    weights: Mapping[bytes, int]
    leaders: tuple[bytes, ...]


def read_draw(content: bytes) -> EpochDraw:
    """Raises `CommitteeError`."""
    try:
        return msgspec.json.decode(content, type=EpochDraw)
    except msgspec.DecodeError as error:
        raise CommitteeError(f"the draw cannot be read: {error}") from error


def draw_epoch(draw: EpochDraw, domain: Domain, beacon: Beacon = QUICKNET) -> DrawnCommittee:
    """The committee. Raises `LotteryError`, `PowerError`, and `FalseRandomnessError` for a false beacon."""
    try:
        powers = {parse_address(one.account): voting_power(int(one.stake_wei), one.reputation) for one in draw.pool}
        history = [[parse_address(account) for account in members] for members in draw.history]
        signature = bytes.fromhex(draw.signature)
    except (TypesError, ValueError) as error:
        raise CommitteeError(f"the draw of epoch {draw.epoch} makes no sense: {error}") from error
    if len(powers) != len(draw.pool):
        raise CommitteeError(f"the pool of epoch {draw.epoch} names an account twice: each has one chance")
    params = CommitteeParams(minimum=draw.minimum, target=draw.target, maximum=draw.maximum, cooldown=draw.cooldown)
    randomness = beacon.randomness(beacon.round_from(draw.due_at_unix_s), signature)
    seed = beacon_seed(domain.chain_id, domain.verifying_contract, draw.epoch, _ROUND, randomness)
    members = select_committee(powers, seed, params, history).members
    return DrawnCommittee(capped_powers({member: powers[member] for member in members}), members)


def check_draw(draw: EpochDraw, voters: VoterSet, domain: Domain, beacon: Beacon = QUICKNET) -> DrawnCommittee:
    """What was drawn, if `voters` are just that. Raises as `draw_epoch` does."""
    drawn = draw_epoch(draw, domain, beacon)
    if draw.epoch != voters.epoch:
        raise CommitteeError(f"the draw is of epoch {draw.epoch}, and the voters are of epoch {voters.epoch}")
    if dict(voters.weights) != dict(drawn.weights):
        differ = sorted(voters.weights.items() ^ drawn.weights.items())
        names = ", ".join(sorted({checksum_address(voter) for voter, _ in differ})[:3])
        raise CommitteeError(f"the voters are not those that the beacon draws, or not with these weights: {names}, …")
    return drawn
