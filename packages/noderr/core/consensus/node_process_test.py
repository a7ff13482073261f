"""A whole node whose journal of signatures is damaged: the service fails, the node lives and says what to do."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from noderr.core.account import load_account
from noderr.core.consensus.guard import Guard
from noderr.core.consensus.journal import FileDisk
from noderr.core.consensus.membership import membership_json
from noderr.core.consensus.testing import vote
from noderr.core.identity import load_identity
from noderr.core.testing_process import Node, Tier

_ROOT = """
import asyncio, sys
from pathlib import Path
from noderr.core import TierParts, run_tier
from noderr.core.consensus.routes import CONSENSUS_OPERATIONS, consensus_routes
from noderr.core.consensus.service import ConsensusService
from noderr.core.consensus.voter import ProtocolFacts

class Idle:
    async def run(self, voter):
        await asyncio.Event().wait()
    def missing(self):
        return ()

def parts(node):
    service = ConsensusService(node, ProtocolFacts(tier="guardian", period_ns=10_000_000), Idle())
    return TierParts(services=[service], routes=consensus_routes(service.describe), operations=CONSENSUS_OPERATIONS)

here = Path(__file__)
sys.exit(run_tier(here.with_name("tier.toml"), here.with_name("VERSION"), make_parts=parts))
"""


@pytest.fixture
def tier(tmp_path: Path) -> Iterator[Tier]:
    tier = Tier(tmp_path)
    (tmp_path / "main.py").write_text(_ROOT)
    yield tier
    tier.end_all()


def voters_file(tier: Tier) -> Path:
    data = tier.directory / "data"
    account, node = load_account(data), load_identity(data)
    path = tier.directory / "voters.json"
    path.write_bytes(
        membership_json(
            [("guardian", account.address, node.public_key, 10)],
            chain_id=31337,
            verifying_contract=b"\xaa" * 20,
            genesis_unix_s=int(time.time()) - 10,
            epoch=1,
        )
    )
    return path


def end(node: Node) -> None:
    node.process.send_signal(signal.SIGTERM)
    assert node.end() == 0


def missing(node: Node) -> list[str]:
    return [one["reason"] for one in httpx.get(f"{node.url}/ready").json()["missing"]]


def test_the_node_lives_with_a_damaged_journal_and_says_what_to_do(tier: Tier) -> None:
    stranger = tier.serve()
    assert missing(stranger)[-1] == "nobody knows who votes: NODEOS_VOTERS_FILE is not set"
    assert httpx.get(f"{stranger.url}/api/v1/consensus").json()["voters"] == []
    assert "/api/v1/consensus" in httpx.get(f"{stranger.url}/api/v1/openapi.json").json()["paths"]
    end(stranger)

    journal = tier.directory / "data" / "guardian-guard.journal"
    guard = Guard(FileDisk(journal))
    for number in range(2):
        guard.permit(vote(round=number), b"\1" * 32)
    content = bytearray(journal.read_bytes())
    content[10] ^= 1
    journal.write_bytes(content)

    damaged = tier.serve(NODEOS_VOTERS_FILE=str(voters_file(tier)))
    damaged.wait_for("service_restarting", service="guardian-consensus")
    assert httpx.get(f"{damaged.url}/health").status_code == 200
    assert httpx.get(f"{damaged.url}/ready").status_code == 503
    assert any(
        "record 0 of the journal of signatures is damaged" in reason and "give it a new key and journal" in reason
        for reason in missing(damaged)
    )
    assert journal.read_bytes() == bytes(content), "what may be evidence is left as it is"
    end(damaged)
