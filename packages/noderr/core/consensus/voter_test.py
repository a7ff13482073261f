"""A voter that starts: what it may sign, whatever its data directory knows, and what it says when that is nothing."""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from pathlib import Path

import pytest

from noderr.core.consensus.errors import TooOldError
from noderr.core.consensus.membership import read_membership
from noderr.core.consensus.service import ConsensusService
from noderr.core.consensus.testing import NOW_NS, NOW_S, SECOND_NS, vote
from noderr.core.consensus.testing_nodes import VoterNode, write_voters
from noderr.core.consensus.voter import ProtocolFacts, Voter
from noderr.core.peers.testing import PeerNode, until
from noderr.types.tier_numbers import GUARDIAN_TIER
from noderr.utils import ManualClock

ROUND_MS = 5_000
GENESIS_S = NOW_S - 100
# By the clock of the tests.
ROUND = 20


def facts(ahead: int = 1) -> ProtocolFacts:
    return ProtocolFacts(tier="guardian", period_ns=SECOND_NS, ahead=ahead)


class Start:
    """One start of the first of four guardians, at this time."""

    def __init__(self, folder: Path, *, at_ns: int = NOW_NS, ahead: int = 1) -> None:
        nodes = [VoterNode(number, "guardian", folder) for number in (1, 2, 3, 4)]
        self.node = nodes[0]
        self.node.peer = PeerNode(1, "guardian", clock=ManualClock(at_ns))
        write_voters(folder, nodes, tier="guardian", genesis_unix_s=GENESIS_S, round_ms=ROUND_MS)
        membership = read_membership(folder / "voters.json")
        voters = membership.voters(GUARDIAN_TIER)
        assert voters is not None
        self.voter = Voter(self.node.context(), facts(ahead), membership, voters)
        self.journal = self.node.folder / "guardian-guard.journal"

    def sign(self, number: int, subject: bytes = b"\1" * 32) -> None:
        """As the driver has it signed. Raises `GuardError`."""
        made = vote(tier=GUARDIAN_TIER, epoch=self.voter.context.voters.epoch, round=number, subject=subject)
        self.voter.driver._signing._signer.sign_all([made])


@pytest.mark.parametrize("number", [ROUND, ROUND + 1])
@pytest.mark.parametrize("how", ["a backup", "its last record damaged"])
def test_what_could_be_signed_before_a_start_is_refused_after_it(tmp_path: Path, how: str, number: int) -> None:
    Start(tmp_path, at_ns=NOW_NS - 60 * SECOND_NS).voter.close()
    running = Start(tmp_path, at_ns=NOW_NS - 50 * SECOND_NS)
    backup = running.journal.read_bytes()
    running.sign(number)
    running.voter.close()
    if how == "a backup":
        running.journal.write_bytes(backup)
    else:
        content = running.journal.read_bytes()
        running.journal.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    again = Start(tmp_path)
    with pytest.raises(TooOldError):
        again.sign(number, b"\2" * 32)
    again.sign(ROUND + 2)
    again.voter.close()


def test_who_signs_by_its_own_clock_only_goes_on_with_the_next_round(tmp_path: Path) -> None:
    start = Start(tmp_path, ahead=0)
    with pytest.raises(TooOldError):
        start.sign(ROUND)
    start.sign(ROUND + 1)
    start.voter.close()


def test_a_guard_that_signs_nothing_for_long_is_told(tmp_path: Path) -> None:
    Start(tmp_path, at_ns=NOW_NS + 365 * 86_400 * SECOND_NS).voter.close()
    start = Start(tmp_path)
    [problem] = start.voter.missing()
    assert "signs nothing through round 6307221 of epoch" in problem
    assert "give it a new account" in problem
    start.voter.close()


def test_the_slots_of_a_start_are_no_problem(tmp_path: Path) -> None:
    start = Start(tmp_path)
    assert start.voter.missing() == ()
    start.voter.close()


class NoSource:
    async def run(self, voter: Voter) -> None: ...

    def missing(self) -> Sequence[str]:
        return ()


async def test_starts_that_fail_leave_no_file_open(tmp_path: Path) -> None:
    node = VoterNode(1, "guardian", tmp_path)
    write_voters(tmp_path, [node], tier="guardian", genesis_unix_s=GENESIS_S, round_ms=ROUND_MS)

    def damaged() -> None:
        raise OSError("history.sqlite3 is damaged")

    service = ConsensusService(node.context(), facts(), NoSource(), records=damaged)  # type: ignore[arg-type]
    with pytest.raises(OSError, match="is damaged"):
        await service.start()
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(5):
        with pytest.raises(OSError, match="is damaged"):
            await service.start()
        await service.stop()
    assert len(os.listdir("/proc/self/fd")) == before
    await until(lambda: not [one for one in threading.enumerate() if one.name.startswith("sqlite")])
