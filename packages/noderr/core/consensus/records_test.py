"""What is kept of rounds is kept through an orderly stop, and files are closed whatever comes of it."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

import pytest

from noderr.core.consensus import records
from noderr.core.consensus.actions import Decided, Failed, Failure
from noderr.core.consensus.codec import Codec
from noderr.core.consensus.context import RoundContext
from noderr.core.consensus.evidence_store import EvidenceStore
from noderr.core.consensus.records import RecordKeeper
from noderr.core.consensus.round import Round
from noderr.core.consensus.testing import DOMAIN, keys, vote, voter_set
from noderr.core.consensus.vote_round import VoteRound
from noderr.core.peers.testing import until
from noderr.types.consensus import AccountSignatures, Evidence, Vote, VoterSet, sign
from noderr.utils import StoreError

KEYS = keys(4)
VOTERS = voter_set(KEYS)
ENDED = (
    VoteRound(
        RoundContext(KEYS[0].address, VOTERS, DOMAIN, AccountSignatures()),
        round_=5,
        topic=b"\1" * 32,
        deadline_ns=1,
        resend_ns=1,
    ),
    Failed(Failure.TIMEOUT),
)


def evidence(voter: int) -> Evidence[Vote]:
    said = [sign(vote(subject=bytes([subject]) * 32), KEYS[voter], DOMAIN) for subject in (1, 2)]
    return Evidence(*said)


def store(folder: Path) -> EvidenceStore:
    return EvidenceStore(folder, Codec(DOMAIN), AccountSignatures())


async def kept(folder: Path) -> int:
    again = store(folder)
    found = await again.all()
    await again.close()
    return len(found.evidence)


class FullDisk:
    """Records that cannot be written."""

    def __init__(self) -> None:
        self.closed = 0

    async def ended(self, round_: Round, end: Decided | Failed, voters: VoterSet) -> None:
        raise StoreError("the disk is full")

    async def close(self) -> None:
        self.closed += 1


@pytest.mark.parametrize("turns", range(6))
async def test_what_is_being_written_at_the_stop_is_kept(tmp_path: Path, turns: int) -> None:
    keeper = RecordKeeper(VOTERS, store(tmp_path), [])
    running = asyncio.create_task(keeper.run())
    for voter in (1, 2, 3):
        keeper.take(evidence(voter))
    for _ in range(turns):
        await asyncio.sleep(0)
    running.cancel()
    await asyncio.wait({running})
    await keeper.close()
    assert await kept(tmp_path) == 3


async def test_files_are_closed_although_a_write_fails(tmp_path: Path) -> None:
    full = FullDisk()
    keeper = RecordKeeper(VOTERS, store(tmp_path), [full])
    keeper.take(evidence(1))
    keeper.take(ENDED)
    with pytest.raises(StoreError, match="the disk is full"):
        await keeper.close()
    assert full.closed == 1
    assert await kept(tmp_path) == 1
    await until(lambda: not [one for one in threading.enumerate() if one.name.startswith("sqlite")])


async def test_the_oldest_give_way_when_the_disk_is_too_slow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(records, "_MOST_WAITING", 2)
    keeper = RecordKeeper(VOTERS, store(tmp_path), [])
    for voter in (1, 2, 3):
        keeper.take(evidence(voter))
    await keeper.close()
    assert await kept(tmp_path) == 2
