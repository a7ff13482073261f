"""For tests: nodes with real peers' connections in one process, and a file of voters that names them."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path

from noderr.core.consensus.membership import membership_json
from noderr.core.consensus.service import ConsensusService
from noderr.core.event_bus import EventBus
from noderr.core.parts import NodeContext
from noderr.core.peers.testing import PeerNode, connected
from noderr.core.settings import NodeSettings
from noderr.core.settings_loader import load_settings, tier_defaults
from noderr.core.testing import small_guardian
from noderr.types.signing.account_key import AccountKey
from noderr.utils import seeded

type MakeService = Callable[[NodeContext], ConsensusService]


class VoterNode:
    """A node with the one service that is tested, or without one for tests that run their own on its `context`."""

    def __init__(
        self,
        number: int,
        tier: str,
        folder: Path,
        make_service: MakeService | None = None,
        *,
        knows_voters: bool = True,
    ) -> None:
        self.peer = PeerNode(number, tier)
        self.account = AccountKey(bytes([number]) * 32)
        self.folder = folder / str(number)
        self.folder.mkdir(exist_ok=True)
        self._voters_file = folder / "voters.json" if knows_voters else None
        self._make_service = make_service
        self._service: ConsensusService | None = None
        self._task: asyncio.Task[None] | None = None

    @property
    def service(self) -> ConsensusService:
        """The service under test; made in the first start, as a supervisor does it."""
        assert self._service is not None, "start it first"
        return self._service

    async def start(self) -> None:
        """Start the service, or start it again; its peers are up."""
        if self._service is None:
            assert self._make_service is not None, "this node was made without a service"
            self._service = self._make_service(self.context())
        await self._service.start()
        self._task = asyncio.create_task(self._service.run())

    def context(self) -> NodeContext:
        """What the node's parts are made from."""
        environ = {"NODEOS_DATA_DIR": str(self.folder)}
        if self._voters_file is not None:
            environ["NODEOS_VOTERS_FILE"] = str(self._voters_file)
        manifest = small_guardian()
        settings = load_settings(environ, NodeSettings, tier_defaults(manifest))
        return NodeContext(
            manifest,
            "1.2.3",
            settings,
            self.folder,
            self.peer.identity,
            self.account,
            self.peer.metrics,
            clock=self.peer.clock,
            randomness=lambda purpose: seeded(1, purpose),
            bus=EventBus(self.peer.metrics, self.peer.clock),
            peers=self.peer.network,
        )

    async def wait(self) -> None:
        """Wait for the end of a service that fails; raises why it did."""
        task, self._task = self._task, None
        assert task is not None, "start it first"
        async with asyncio.timeout(10):
            await task

    async def stop(self) -> None:
        """Stop the service; what failed in it is raised here."""
        task, self._task = self._task, None
        if task is not None:
            await self.service.stop()
            await task


def write_voters(
    folder: Path,
    nodes: Sequence[VoterNode],
    *,
    tier: str,
    genesis_unix_s: int,
    round_ms: int,
    others: Sequence[PeerNode] = (),
) -> None:
    """All of these nodes vote, with equal weights; `others` in their own tiers, by accounts that nobody uses."""
    voters = [(tier, node.account.address, node.peer.identity.public_key, 10) for node in nodes]
    voters += [
        (other.tier, AccountKey(other.identity.public_key).address, other.identity.public_key, 10) for other in others
    ]
    content = membership_json(
        voters,
        chain_id=31337,
        verifying_contract=b"\xaa" * 20,
        genesis_unix_s=genesis_unix_s,
        epoch=1,
        round_ms={tier: round_ms},
    )
    (folder / "voters.json").write_bytes(content)


@contextlib.asynccontextmanager
async def voting(*nodes: VoterNode, others: Sequence[PeerNode] = ()) -> AsyncIterator[None]:
    """All nodes and `others`, which vote on nothing, connected, and the nodes' services running."""
    async with connected(*(node.peer for node in nodes), *others):
        try:
            for node in nodes:
                await node.start()
            yield
        finally:
            for node in nodes:
                await node.stop()
