"""A protocol as a service of the node: it reads who votes, opens the guard, and lets the protocol's own work run.

Without a file of voters it does nothing, says so on `/ready`, and never stops the node.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Protocol

from noderr.core.consensus.description import (
    ConsensusDescription,
    accounts,
    describe_round,
    describe_voters,
)
from noderr.core.consensus.evidence_store import EvidenceStore
from noderr.core.consensus.membership import read_membership
from noderr.core.consensus.records import RecordKeeper, RoundRecords
from noderr.core.consensus.status import Status
from noderr.core.consensus.voter import ProtocolFacts, Voter
from noderr.core.description import RoundDescription
from noderr.core.parts import NodeContext
from noderr.core.peers.errors import MessageRefusedError
from noderr.core.service import run_until
from noderr.types.signing.account_key import checksum_address
from noderr.types.tier_numbers import TIER_NUMBERS

_SECOND_NS = 1_000_000_000
_ROUNDS_SHOWN = 6


class RoundSource(Protocol):
    """What a protocol adds: when rounds are opened, and what this node says in them."""

    async def run(self, voter: Voter) -> None:
        """Open rounds on `voter.driver` until cancelled."""

    def missing(self) -> Sequence[str]:
        """What it lacks to say something, in words; empty when nothing."""


class ConsensusService:
    """The service `<tier>-consensus`. `source` is made once; the voter anew at every start."""

    critical = False
    requires: tuple[str, ...] = ("peers",)

    def __init__(
        self,
        node: NodeContext,
        facts: ProtocolFacts,
        source: RoundSource,
        *,
        records: Callable[[], RoundRecords] | None = None,
    ) -> None:
        """`records` opens what the protocol keeps of its rounds."""
        self.name = f"{facts.tier}-consensus"
        self._open_records = records
        self._node = node
        self._facts = facts
        self._source = source
        self._voter: Voter | None = None
        self._keeper: RecordKeeper | None = None
        self._stopping = asyncio.Event()
        self._running = False
        node.peers.on(f"consensus.{facts.tier}", self._on_bundle)

    async def start(self) -> None:
        """Read the voters and open the guard. Raises `MembershipError`, `GuardDamagedError`, `OSError`."""
        self._stopping.clear()
        path = self._node.settings.voters_file
        if path is None:
            return
        membership = await asyncio.to_thread(read_membership, path)
        voters = membership.voters(TIER_NUMBERS[self._facts.tier])
        if voters is None:
            return
        voter = await asyncio.to_thread(Voter, self._node, self._facts, membership, voters)
        evidence: EvidenceStore | None = None
        try:
            evidence = EvidenceStore(
                self._node.data_dir, self._facts.codec(membership.domain), voter.context.signatures
            )
            keeper = RecordKeeper(voters, evidence, [self._open_records()] if self._open_records else [])
        except BaseException:
            # The node tries again and again, and files are few.
            voter.close()
            if evidence is not None:
                await evidence.close()
            raise
        voter.keep = keeper.take
        self._voter, self._keeper = voter, keeper

    async def run(self) -> None:
        voter, keeper = self._voter, self._keeper
        if voter is None or keeper is None:
            await self._stopping.wait()
            return
        self._running = True
        try:
            await run_until(self._stopping, voter.driver.run(), self._source.run(voter), keeper.run())
        finally:
            self._running = False
            await self._let_go()

    async def stop(self) -> None:
        self._stopping.set()
        if not self._running:
            await self._let_go()

    async def _let_go(self) -> None:
        """Close the files, once nobody writes to them any more."""
        voter, self._voter = self._voter, None
        keeper, self._keeper = self._keeper, None
        if voter is not None:
            voter.close()
        if keeper is not None:
            await keeper.close()

    def missing(self) -> Sequence[str]:
        if self._node.settings.voters_file is None:
            return ("nobody knows who votes: NODEOS_VOTERS_FILE is not set",)
        voter = self._voter
        if voter is None:
            return (f"the voters' file names no {self._facts.tier}",)
        if not voter.context.may_vote:
            account = checksum_address(voter.context.me)
            return (f"this node's account {account} is not among the {self._facts.tier}s that vote",)
        return (*voter.missing(), *self._source.missing())

    def rounds(self) -> Sequence[RoundDescription]:
        """For the node's page: the newest round of each topic, of the newest topics."""
        voter = self._voter
        if voter is None:
            return ()
        newest = {round_.topic: round_ for round_ in voter.driver.rounds.values()}
        return tuple(
            RoundDescription(
                self.name,
                round_.round,
                progress.phase if round_.status is Status.OPEN else round_.status.value,
                datetime.fromtimestamp(voter.start_ns(round_.round) / _SECOND_NS, UTC),
                view=progress.view,
                heard=len(voter.context.voters.weights) - len(progress.missing),
                voters=len(voter.context.voters.weights),
                missing=accounts(progress.missing),
            )
            for round_ in list(newest.values())[-_ROUNDS_SHOWN:]
            for progress in [round_.progress]
        )

    def describe(self) -> ConsensusDescription:
        """For `/api/v1/consensus`."""
        voter, me = self._voter, self._node.account.address
        if voter is None:
            return ConsensusDescription(self._facts.tier, checksum_address(me), None, None, None, (), "0", (), ())
        voters, domain = voter.context.voters, voter.membership.domain
        return ConsensusDescription(
            self._facts.tier,
            checksum_address(me),
            voters.epoch,
            domain.chain_id,
            checksum_address(domain.verifying_contract),
            describe_voters(voters, dict(voter.membership.nodes), me),
            str(voters.total),
            tuple(describe_round(round_) for round_ in voter.driver.rounds.values()),
            tuple(voter.decisions),
        )

    async def _on_bundle(self, _sender: str, payload: bytes) -> None:
        # Who delivers need not be who signed. A node that knows no voters has nothing to check a signature against.
        if self._voter is None:
            raise MessageRefusedError("this node takes part in no consensus: it knows no voters")
        refused = self._voter.driver.on_bundle(payload)
        if refused is not None:
            raise MessageRefusedError(str(refused))
