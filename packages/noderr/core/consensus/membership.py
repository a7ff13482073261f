"""Who votes in which tier, from when on, on which chain: the file that NODEOS_VOTERS_FILE names.

Every node of a network has the same file. The on-chain registry takes its place once a node reads the chain.

    {"chain_id": 84532, "verifying_contract": "0x…", "genesis_unix_s": 1790000000, "epoch": 1,
     "voters": [{"tier": "oracle", "account": "0x…", "node": "<public key>", "weight": 125000}, …],
     "round_ms": {"oracle": 30000, "guardian": 10000, "validator": 60000}}

`round_ms` is the length of a round's slot, `oracle_draw` how the oracles were drawn; both may be left out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec

from noderr.core.consensus.errors import MembershipError
from noderr.types.consensus import VoterSet, WeightError
from noderr.types.eip712 import Domain
from noderr.types.signing.account_key import checksum_address, parse_address
from noderr.types.signing.errors import SigningError
from noderr.types.signing.node_key import node_id, parse_public_key
from noderr.types.tier_numbers import TIER_NUMBERS

_MAX_FILE_BYTES = 1 << 20
_TIERS = ", ".join(sorted(TIER_NUMBERS, key=TIER_NUMBERS.__getitem__))
_MAX_TIME_S = 1 << 40
_SHORTEST_MS, _LONGEST_MS = 10, 86_400_000


class _Voter(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    tier: str
    account: str
    node: str
    weight: int


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    chain_id: int
    verifying_contract: str
    genesis_unix_s: int
    epoch: int
    voters: list[_Voter]
    round_ms: dict[str, int] = {}
    oracle_draw: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET


@dataclass(frozen=True)
class Membership:
    """`nodes` maps an account's address to the id of the node that signs with it.

    `periods_ns` is the length of a round's slot by tier, where the file says one. `oracle_draw` is JSON.
    """

    domain: Domain
    genesis_ns: int
    sets: Mapping[int, VoterSet]
    nodes: Mapping[bytes, str]
    periods_ns: Mapping[int, int]
    oracle_draw: bytes = b""

    def voters(self, tier: int) -> VoterSet | None:
        """The voters of this tier, if it has any."""
        return self.sets.get(tier)


class MemberSets:
    """`VoterSets` of the membership's one epoch."""

    def __init__(self, membership: Membership) -> None:
        self._membership = membership

    async def voters(self, tier: int, epoch: int) -> VoterSet | None:
        """None for another epoch."""
        voters = self._membership.voters(tier)
        return voters if voters is not None and voters.epoch == epoch else None


def read_membership(path: Path) -> Membership:
    """Raises `MembershipError` with every problem of the file."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise MembershipError(path, [f"it cannot be read: {error.strerror}"]) from error
    if len(content) > _MAX_FILE_BYTES:
        raise MembershipError(path, [f"it has {len(content)} bytes: at most {_MAX_FILE_BYTES}"])
    try:
        file = msgspec.json.decode(content, type=_File)
    except msgspec.DecodeError as error:
        raise MembershipError(path, [f"it is no list of voters: {error}"]) from error
    problems = [*_problems(file)]
    if problems:
        raise MembershipError(path, problems)
    return _membership(path, file)


def _membership(path: Path, file: _File) -> Membership:
    weights: dict[int, dict[bytes, int]] = {}
    for voter in file.voters:
        weights.setdefault(TIER_NUMBERS[voter.tier], {})[parse_address(voter.account)] = voter.weight
    try:
        sets = {tier: VoterSet(tier, file.epoch, of) for tier, of in weights.items()}
    except WeightError as error:
        raise MembershipError(path, [str(error)]) from error
    return Membership(
        domain=Domain("NodeOS", "1", file.chain_id, parse_address(file.verifying_contract)),
        genesis_ns=file.genesis_unix_s * 1_000_000_000,
        sets=sets,
        nodes={parse_address(voter.account): node_id(parse_public_key(voter.node)) for voter in file.voters},
        periods_ns={TIER_NUMBERS[tier]: period * 1_000_000 for tier, period in file.round_ms.items()},
        oracle_draw=b"" if file.oracle_draw is msgspec.UNSET else bytes(file.oracle_draw),
    )


def _problems(file: _File) -> Iterable[str]:
    if not 0 < file.chain_id < 1 << 63:
        yield f"chain_id is {file.chain_id}: it must be a chain's number, such as 84532"
    if not 0 <= file.genesis_unix_s < _MAX_TIME_S:
        yield f"genesis_unix_s is {file.genesis_unix_s}: it must be Unix seconds"
    if not 0 <= file.epoch < 1 << 63:
        yield f"epoch is {file.epoch}: it must be at least 0"
    for tier, period in file.round_ms.items():
        if tier not in TIER_NUMBERS or not _SHORTEST_MS <= period <= _LONGEST_MS:
            yield f"round_ms.{tier} is {period}: it must be {_SHORTEST_MS} to {_LONGEST_MS}, for a tier"
    yield from _text_problems("verifying_contract", file.verifying_contract, parse_address)
    for index, voter in enumerate(file.voters):
        where = f"voters[{index}]"
        if voter.tier not in TIER_NUMBERS:
            yield f"{where}.tier is {voter.tier!r}: it must be {_TIERS}"
        yield from _text_problems(f"{where}.account", voter.account, parse_address)
        yield from _text_problems(f"{where}.node", voter.node, parse_public_key)
        if voter.weight < 1:
            yield f"{where}.weight is {voter.weight}: it must be above 0"
    for what, values in (
        ("account", [voter.account.lower() for voter in file.voters]),
        ("node", [voter.node.lower() for voter in file.voters]),
    ):
        for value, count in Counter(values).items():
            if count > 1:
                yield f"{what} {value} is there {count} times: each votes once"


def _text_problems(where: str, text: str, parse: Callable[[str], bytes]) -> Iterable[str]:
    try:
        parse(text)
    except SigningError as error:
        yield f"{where}: {error}"


def membership_json(
    membership_of: Iterable[tuple[str, bytes, bytes, int]],
    *,
    chain_id: int,
    verifying_contract: bytes,
    genesis_unix_s: int,
    epoch: int,
    round_ms: Mapping[str, int] | None = None,
) -> bytes:
    """The file of these voters: tier, address, node's public key, weight."""
    voters = [
        _Voter(tier, checksum_address(address), node.hex(), weight) for tier, address, node, weight in membership_of
    ]
    contract = checksum_address(verifying_contract)
    return (
        msgspec.json.format(
            msgspec.json.encode(_File(chain_id, contract, genesis_unix_s, epoch, voters, dict(round_ms or {})))
        )
        + b"\n"
    )
