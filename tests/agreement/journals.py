"""Whether what an oracle has signed, as its guard's journal knows it, is what certificates say that it signed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from noderr.core.consensus.errors import GuardError
from noderr.core.consensus.guard import Guard
from noderr.core.consensus.membership import Membership
from noderr.oracle_consensus.market import SECOND_NS, Market, Timing
from noderr.types.consensus import Choice, Vote
from noderr.types.signing.account_key import checksum_address
from noderr.types.tier_numbers import ORACLE_TIER
from tests.agreement.history import History
from tests.agreement.oracles import OracleProcesses


class _UnknownSignatureError(Exception):
    """The journal would have to be written to: it does not know the message."""


class _JournalOnly:
    """The journal's bytes as a disk that takes nothing."""

    def __init__(self, path: Path) -> None:
        self._content = path.read_bytes()

    def read(self) -> bytes:
        return self._content

    def append(self, _data: bytes) -> None:
        raise _UnknownSignatureError

    def sync(self) -> None:
        raise _UnknownSignatureError

    def truncate(self, length: int) -> None:
        self._content = self._content[:length]

    def replace(self, _data: bytes) -> None:
        raise _UnknownSignatureError


def contradictions(network: OracleProcesses, market: Market, history: History) -> Sequence[str]:
    """Certificates with a signature that the signer's journal does not know, or knows otherwise; must be none."""
    membership, found = network.membership, []
    for member in network.oracles:
        guard = Guard(_JournalOnly(network.data_dir(member) / "oracle-guard.journal"))
        for number, told in history.decided.items():
            for decided in told.values():
                if checksum_address(member.account.address) not in decided.signers:
                    continue
                vote = _vote(membership, market, number, decided.choice, bytes.fromhex(decided.subject[2:]))
                try:
                    guard.permit(vote, vote.digest_in(membership.domain))
                except (GuardError, _UnknownSignatureError) as error:
                    found.append(f"{member.name}, round {number}: {error or 'not in the journal'}")
    return found


def _vote(membership: Membership, market: Market, number: int, choice: str, subject: bytes) -> Vote:
    period_ns = membership.periods_ns[ORACLE_TIER]
    start_ns = membership.genesis_ns + number * period_ns
    return Vote(
        tier=ORACLE_TIER,
        epoch=1,
        round=number,
        topic=market.topic,
        subject=subject,
        choice=Choice[choice.upper()],
        expires_at_s=start_ns // SECOND_NS + Timing.fitting(period_ns).valid_seconds,
    )
