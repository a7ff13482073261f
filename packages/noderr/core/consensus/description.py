"""What `/api/v1/consensus` says: who votes, where the open rounds stand, how the last ones ended."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

import msgspec

from noderr.core.consensus.actions import Failure
from noderr.core.consensus.round import Round
from noderr.types.consensus import Certificate, VoterSet
from noderr.types.signing.account_key import checksum_address

_SECOND_NS = 1_000_000_000


class VoterDescription(msgspec.Struct, frozen=True):
    """`weight` is text, because it may have more digits than a double."""

    account: str
    node: str
    weight: str
    is_me: bool


class RoundState(msgspec.Struct, frozen=True):
    """`missing` are the accounts that have not spoken in this `phase`."""

    number: int
    topic: str
    status: str
    phase: str
    view: int | None
    leader: str | None
    missing: tuple[str, ...]


class Decision(msgspec.Struct, frozen=True):
    """A round that a certificate decided, or `failure` says why none did; `content` is for people."""

    round: int
    topic: str
    at: datetime
    choice: str | None = None
    subject: str | None = None
    signers: tuple[str, ...] = ()
    content: str | None = None
    failure: str | None = None


class ConsensusDescription(msgspec.Struct, frozen=True):
    """`voters` is empty, and `chain_id` None, while the node knows no voters."""

    protocol: str
    account: str
    epoch: int | None
    chain_id: int | None
    verifying_contract: str | None
    voters: tuple[VoterDescription, ...]
    total_weight: str
    rounds: tuple[RoundState, ...]
    decisions: tuple[Decision, ...]


def describe_round(round_: Round) -> RoundState:
    progress = round_.progress
    return RoundState(
        round_.round,
        "0x" + round_.topic.hex(),
        round_.status.value,
        progress.phase,
        progress.view,
        None if progress.leader is None else checksum_address(progress.leader),
        accounts(progress.missing),
    )


def describe_voters(voters: VoterSet, nodes: dict[bytes, str], me: bytes) -> tuple[VoterDescription, ...]:
    return tuple(
        VoterDescription(checksum_address(voter), nodes[voter], str(voters.weights[voter]), voter == me)
        for voter in voters.voters
    )


def describe_decision(certificate: Certificate, now_ns: int, content: str | None) -> Decision:
    return Decision(
        certificate.round,
        "0x" + certificate.topic.hex(),
        _moment(now_ns),
        choice=certificate.choice.name.lower(),
        subject="0x" + certificate.subject.hex(),
        signers=accounts(part.voter for part in certificate.signatures),
        content=content,
    )


def describe_failure(round_: Round, failure: Failure, now_ns: int) -> Decision:
    """A round that ended without a certificate."""
    return Decision(round_.round, "0x" + round_.topic.hex(), _moment(now_ns), failure=failure.value)


def _moment(now_ns: int) -> datetime:
    return datetime.fromtimestamp(now_ns / _SECOND_NS, UTC)


def accounts(addresses: Iterable[bytes]) -> tuple[str, ...]:
    """As people write them."""
    return tuple(checksum_address(address) for address in addresses)
