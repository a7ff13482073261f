"""What a real node says of its start and its end, as the coordinator shows it."""

from __future__ import annotations

import platform
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from noderr.coordinator.testing_process import Coordinator, Machine, wait_until
from noderr.core.identity import load_identity
from noderr.core.testing_process import Tier


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    made = Machine(tmp_path)
    yield made
    made.end_all()


@pytest.fixture
def tier(tmp_path: Path) -> Iterator[Tier]:
    (tmp_path / "tier").mkdir()
    made = Tier(tmp_path / "tier")
    yield made
    made.end_all()


def last_event(coordinator: Coordinator) -> str:
    """What came last of the node's events, in words. The page shows the newest records only."""
    recent = coordinator.network()["recent"]
    found = ((record["sequence"], record["text"]) for record in recent if record["kind"] == "node_event")
    return max(found, default=(0, ""))[1]


def test_starts_and_stops_of_a_node_are_on_record(machine: Machine, tier: Tier) -> None:
    (tier.directory / "data").mkdir(mode=0o700)
    identity = load_identity(tier.directory / "data")
    done = machine.run("enrol", "--public-key", identity.public_key.hex(), "--tier", "guardian")
    assert done.returncode == 0, done.stderr
    coordinator = machine.serve()
    link = {"NODEOS_COORDINATOR_URL": coordinator.nodes, "NODEOS_COORDINATOR_KEY": machine.run("key").stdout.strip()}

    def started(unclean: str) -> str:
        facts = f"python={platform.python_version()}, tier=guardian, version=1.2.3"
        return f"node_started (after_unclean_exit={unclean}, {facts})"

    node = tier.serve(**link)
    wait_until(lambda: last_event(coordinator) == started("no"))
    node.process.kill()
    node.process.wait(30)
    node = tier.serve(**link)
    wait_until(lambda: last_event(coordinator) == started("yes"))
    node.process.send_signal(signal.SIGTERM)
    assert node.end() == 0
    # With the last batch that it sends, not only with the first after its next start.
    assert last_event(coordinator) == "node_stopping (because=it was told to)"
    tier.serve(**link)
    wait_until(lambda: last_event(coordinator) == started("no"))
