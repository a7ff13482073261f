"""The service of a protocol: what it does with every kind of voters' file, and what it says of itself."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Sequence
from pathlib import Path

import httpx
import msgspec
import pytest
from prometheus_client import CollectorRegistry

from noderr.core.consensus.codec import Codec
from noderr.core.consensus.description import ConsensusDescription, Decision, RoundState, VoterDescription
from noderr.core.consensus.errors import GuardDamagedError, MembershipError
from noderr.core.consensus.guard import Guard
from noderr.core.consensus.journal import FileDisk
from noderr.core.consensus.routes import CONSENSUS_OPERATIONS, CONSENSUS_PATH, consensus_routes
from noderr.core.consensus.service import ConsensusService
from noderr.core.consensus.testing import vote
from noderr.core.consensus.testing_nodes import VoterNode, voting, write_voters
from noderr.core.consensus.vote_round import VoteRound
from noderr.core.consensus.voter import ProtocolFacts, Voter
from noderr.core.description import RoundDescription
from noderr.core.http_api import http_api
from noderr.core.openapi import openapi_document
from noderr.core.openapi_standard import NODE_OPERATIONS
from noderr.core.parts import NodeContext
from noderr.core.peers.errors import PeerRefusedError
from noderr.core.peers.testing import until
from noderr.telemetry import NodeMetrics
from noderr.types.consensus import Signed, Vote, sign
from noderr.types.eip712 import Domain
from noderr.types.signing.account_key import AccountKey, checksum_address

TOPIC = b"\1" * 32
ROUND_MS = 60_000
GENESIS_S = int(time.time()) - 30
DOMAIN = Domain("NodeOS", "1", 31337, b"\xaa" * 20)
EXPIRES_S = GENESIS_S + 3600


class OneRound:
    """A `RoundSource` that opens round 1, and waits."""

    def __init__(self) -> None:
        self.voter: Voter | None = None
        self.round: VoteRound | None = None

    async def run(self, voter: Voter) -> None:
        self.voter = voter
        self.round = VoteRound(voter.context, round_=1, topic=TOPIC, deadline_ns=EXPIRES_S * 10**9, resend_ns=10**9)
        voter.driver.open(self.round)
        await asyncio.Event().wait()

    def missing(self) -> Sequence[str]:
        return ("a gate",)


class Failing(OneRound):
    """Its work fails a few tasks deep."""

    async def run(self, voter: Voter) -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._fail())

    async def _fail(self) -> None:
        raise LookupError("no such market")


def a_node(folder: Path, number: int = 1, source: OneRound | None = None, *, knows_voters: bool = True) -> VoterNode:
    def make(node: NodeContext) -> ConsensusService:
        facts = ProtocolFacts(tier="guardian", period_ns=ROUND_MS * 1_000_000)
        return ConsensusService(node, facts, source or OneRound())

    return VoterNode(number, "guardian", folder, make, knows_voters=knows_voters)


def write(folder: Path, nodes: Sequence[VoterNode], tier: str = "guardian") -> None:
    write_voters(folder, nodes, tier=tier, genesis_unix_s=GENESIS_S, round_ms=ROUND_MS)


def a_vote(node: VoterNode) -> Signed[Vote]:
    message = vote(tier=2, epoch=1, round=1, topic=TOPIC, expires_at_s=EXPIRES_S)
    return sign(message, node.account, DOMAIN)


def counted(node: VoterNode) -> dict[tuple[str, str], float]:
    """The counters of the consensus, by name and outcome or reason."""
    return {
        (sample.name, sample.labels.get("outcome") or sample.labels.get("reason") or ""): sample.value
        for family in node.peer.metrics.registry.collect()
        for sample in family.samples
        if sample.name.startswith("noderr_consensus_") and sample.name.endswith("_total")
    }


def damage_the_journal(folder: Path) -> None:
    path = folder / "guardian-guard.journal"
    disk = FileDisk(path)
    guard = Guard(disk)
    for number in range(3):
        guard.permit(vote(round=number), b"\1" * 32)
    disk.close()
    content = bytearray(path.read_bytes())
    content[10] ^= 1
    path.write_bytes(content)


async def test_without_a_voters_file_it_says_so_and_waits(tmp_path: Path) -> None:
    node = a_node(tmp_path, knows_voters=False)
    other = a_node(tmp_path, 2, knows_voters=False)
    async with voting(node, other):
        assert node.service.missing() == ("nobody knows who votes: NODEOS_VOTERS_FILE is not set",)
        assert node.service.rounds() == ()
        described = node.service.describe()
        assert (described.account, described.voters) == (checksum_address(node.account.address), ())
        assert described.chain_id is None
        assert counted(node) == {}, "an alert must not wait for rounds of a node that takes part in none"
        with pytest.raises(PeerRefusedError, match="it knows no voters"):
            await other.peer.network.send(node.peer.identity.node_id, "consensus.guardian", b"")
    assert not (node.folder / "guardian-guard.journal").exists()


async def test_a_file_without_this_tier_names_nobody(tmp_path: Path) -> None:
    node = a_node(tmp_path)
    write(tmp_path, [node], tier="oracle")
    async with voting(node):
        assert node.service.missing() == ("the voters' file names no guardian",)
        assert node.service.describe().voters == ()


async def test_who_is_not_among_the_voters_watches_and_signs_nothing(tmp_path: Path) -> None:
    source = OneRound()
    watcher, voters = a_node(tmp_path, 1, source), [a_node(tmp_path, number) for number in range(2, 6)]
    write(tmp_path, voters)
    async with voting(watcher, voters[0]):
        await until(lambda: source.round is not None)
        account = checksum_address(watcher.account.address)
        assert watcher.service.missing() == (f"this node's account {account} is not among the guardians that vote",)
        bundle = Codec(DOMAIN).encode([a_vote(node) for node in voters[:3]])
        await voters[0].peer.network.send(watcher.peer.identity.node_id, "consensus.guardian", bundle)
        [decision] = watcher.service.describe().decisions
        assert (decision.choice, len(decision.signers)) == ("approve", 3)
        assert not any(one.is_me for one in watcher.service.describe().voters)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "it is no list of voters"),
        (b'{"chain_id": 0}', "it is no list of voters"),
        (None, "it cannot be read: No such file or directory"),
    ],
)
async def test_a_file_that_is_wrong_is_an_error_that_names_it(tmp_path: Path, content: bytes | None, says: str) -> None:
    node = a_node(tmp_path)
    if content is not None:
        (tmp_path / "voters.json").write_bytes(content)
    with pytest.raises(MembershipError, match=says) as caught:
        await node.start()
    assert str(tmp_path / "voters.json") in str(caught.value)
    await node.service.stop()
    assert node.service.rounds() == ()


async def test_a_damaged_journal_stops_the_service_every_time_and_leaks_nothing(tmp_path: Path) -> None:
    node = a_node(tmp_path)
    write(tmp_path, [node])
    damage_the_journal(node.folder)
    for attempt in range(5):
        with pytest.raises(GuardDamagedError, match="Take it out of the voters; give it a new key and journal"):
            await node.start()
        await node.service.stop()
        if attempt == 0:
            opened = len(os.listdir("/proc/self/fd"))
    assert len(os.listdir("/proc/self/fd")) <= opened


async def test_a_disk_that_is_full_stops_the_service(tmp_path: Path) -> None:
    node = a_node(tmp_path)
    write(tmp_path, [node])
    (node.folder / "guardian-guard.journal").symlink_to("/dev/full")
    with pytest.raises(OSError, match="No space left on device"):
        await node.start()


async def test_it_fails_with_what_went_wrong_and_starts_again(tmp_path: Path) -> None:
    node = a_node(tmp_path, source=Failing())
    write(tmp_path, [node])
    for _ in range(2):
        await node.start()
        service = node.service
        with pytest.raises(LookupError, match="no such market"):
            await node.wait()
        await service.stop()


async def test_what_it_says_of_a_round_and_its_end(tmp_path: Path) -> None:
    source = OneRound()
    nodes = [a_node(tmp_path, 1, source), *(a_node(tmp_path, number) for number in range(2, 5))]
    write(tmp_path, nodes)
    addresses = {node: checksum_address(node.account.address) for node in nodes}
    async with voting(*nodes):
        await until(lambda: source.round is not None)
        service, (_, second, third, fourth) = nodes[0].service, nodes
        assert service.missing() == ("a gate",)
        zero = counted(nodes[0])
        assert zero["noderr_consensus_rounds_total", "decided"] == 0
        assert zero["noderr_consensus_refused_total", "bad-signature"] == 0
        assert zero["noderr_consensus_equivocations_total", ""] == zero["noderr_consensus_guarded_total", ""] == 0
        bundle = Codec(DOMAIN).encode([a_vote(second), a_vote(third)])
        await second.peer.network.send(nodes[0].peer.identity.node_id, "consensus.guardian", bundle)

        silent = tuple(sorted((addresses[nodes[0]], addresses[fourth]), key=str.lower))
        [shown] = service.rounds()
        assert shown == RoundDescription(
            "guardian-consensus", 1, "vote", shown.started_at, heard=2, voters=4, missing=silent
        )
        assert shown.started_at.timestamp() == GENESIS_S + ROUND_MS / 1000
        described = service.describe()
        assert described.rounds == (RoundState(1, "0x" + TOPIC.hex(), "open", "vote", None, None, silent),)
        assert (described.epoch, described.chain_id, described.total_weight) == (1, 31337, "40")
        assert described.verifying_contract == checksum_address(b"\xaa" * 20)
        assert set(described.voters) == {
            VoterDescription(addresses[node], node.peer.identity.node_id, "10", node is nodes[0]) for node in nodes
        }

        await fourth.peer.network.send(
            nodes[0].peer.identity.node_id, "consensus.guardian", Codec(DOMAIN).encode([a_vote(fourth)])
        )
        [decision] = service.describe().decisions
        assert decision == Decision(
            1,
            "0x" + TOPIC.hex(),
            decision.at,
            choice="approve",
            subject="0x" + "02" * 32,
            signers=tuple(sorted((addresses[node] for node in nodes[1:]), key=str.lower)),
        )
        assert service.rounds()[0].state == "decided"
        await body_is_what_is_declared(service)


async def body_is_what_is_declared(service: ConsensusService) -> None:
    app = http_api(
        NodeMetrics(CollectorRegistry(), tier="guardian", version="1.2.3"), {}, consensus_routes(service.describe)
    )
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://node") as client:
        answer = await client.get(CONSENSUS_PATH)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["cache-control"] == "no-store"
    assert msgspec.json.decode(answer.content, type=ConsensusDescription, strict=True) == service.describe()


def test_the_route_is_documented() -> None:
    document = openapi_document("NodeOS guardian", "1.2.3", [*NODE_OPERATIONS, *CONSENSUS_OPERATIONS])
    answer = document["paths"][CONSENSUS_PATH]["get"]["responses"]["200"]
    name = "ConsensusDescription"
    assert answer["content"]["application/json"]["schema"] == {"$ref": f"#/components/schemas/{name}"}
    schema = document["components"]["schemas"][name]
    assert set(schema["properties"]) == set(ConsensusDescription.__struct_fields__)
    assert {"VoterDescription", "RoundState", "Decision"} <= set(document["components"]["schemas"])


async def test_a_watched_account_is_not_that_of_another(tmp_path: Path) -> None:
    # The node's account decides whether it votes, not the node's own key.
    node = a_node(tmp_path)
    write(tmp_path, [node])
    node.account = AccountKey(b"\x55" * 32)
    async with voting(node):
        assert "is not among the guardians" in node.service.missing()[0]
