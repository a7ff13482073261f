"""A small network of real processes through what happens to one: kills, a frozen peer, a coordinator that is away."""

from __future__ import annotations

import signal
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.network.plan import Member
from tests.network.processes import ProcessNetwork, plan_processes
from tests.network.views import MemberView
from tests.network.watch import Watcher


class Rig:
    """Two oracles, a guardian, a validator and a coordinator, all seen."""

    def __init__(self, folder: Path) -> None:
        self.plan = plan_processes({"oracle": 2, "guardian": 1, "validator": 1})
        self.network = ProcessNetwork(self.plan, folder)
        self.views = {
            member.name: MemberView(member, f"http://127.0.0.1:{member.http_port}", 2_000_000_000)
            for member in self.plan.members
        }
        self.watcher = Watcher(list(self.views.values()), lambda view: self.network.seconds_since_start(view.member))

    def __getitem__(self, name: str) -> MemberView:
        return self.views[name]

    def member(self, name: str) -> Member:
        return self.views[name].member

    def nodes(self) -> list[MemberView]:
        return [self.views[node.name] for node in self.plan.nodes]

    def all_connected(self) -> bool:
        return all(view.alive and view.peers_connected == view.peers_configured == 3 for view in self.nodes())

    def all_with_everyone(self) -> bool:
        """What they still wait for is not in this build, or needs more nodes than these."""
        return self.all_connected() and all(view.last["coordinator"]["reachable"] for view in self.nodes())

    def until(self, condition: Callable[[], bool], seconds: float = 40) -> None:
        found = self.watcher.look_until(condition, seconds, every_seconds=0.2)
        assert found, "\n".join(
            f"{view.member.name}: {view.state}, alive {view.alive}, "
            f"peers {view.peers_connected} of {view.peers_configured}, "
            f"restarts {view.restarts}, exit code {view.exit_code}, waits for {view.waiting_for}"
            for view in self.views.values()
        )

    def stored(self) -> dict[str, list[int]]:
        """The sequences of each node's records in the coordinator's database."""
        path = self.network.data_dir(self.plan.coordinator) / "coordinator.sqlite3"
        connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
        try:
            found: dict[str, list[int]] = {}
            for node, sequence in connection.execute("SELECT node_id, sequence FROM records ORDER BY sequence"):
                found.setdefault(node, []).append(sequence)
            return found
        finally:
            connection.close()


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    rig = Rig(tmp_path_factory.mktemp("network"))
    try:
        rig.network.up()
        rig.until(rig.all_with_everyone)
        yield rig
    finally:
        rig.watcher.close()
        rig.network.down()


def test_every_node_is_alive_and_connected_and_says_that_packages_are_missing(rig: Rig) -> None:
    for view in rig.nodes():
        assert not view.ready
        assert view.absent_packages
        assert view.last["coordinator"]["reachable"]
        assert rig.network.memory(view.member)[1] < 400_000_000


def test_killed_node_is_missed_and_comes_back_as_itself(rig: Rig) -> None:
    before = rig["oracle-2"].last["identity"]
    rig.network.kill(rig.member("oracle-2"))
    rig.until(lambda: all(rig[name].peers_connected == 2 for name in ("oracle-1", "guardian-1", "validator-1")))
    assert rig["oracle-1"].alive
    rig.network.start(rig.member("oracle-2"))
    rig.until(rig.all_connected)
    assert rig["oracle-2"].last["identity"] == before


def test_frozen_node_is_missed_and_nobody_else_is_delayed(rig: Rig) -> None:
    process = rig.network.process(rig.member("guardian-1"))
    process.send_signal(signal.SIGSTOP)
    others = ("oracle-1", "oracle-2", "validator-1")
    rig.until(lambda: all(rig[name].peers_connected == 2 for name in others))
    assert all(rig[name].alive for name in others)
    process.send_signal(signal.SIGCONT)
    rig.until(rig.all_connected)


def test_absent_coordinator_is_named_and_everything_arrives_exactly_once(rig: Rig) -> None:
    coordinator = rig.plan.coordinator
    rig.network.kill(coordinator)
    rig.until(lambda: all(not view.last["coordinator"]["reachable"] for view in rig.nodes()), seconds=60)
    for view in rig.nodes():
        assert view.alive
        assert any("does not answer" in reason for reason in view.waiting_for)
    # What happens meanwhile waits in the spools.
    rig.network.kill(rig.member("oracle-2"))
    rig.network.start(rig.member("oracle-2"))
    rig.network.start(coordinator)
    rig.until(rig.all_with_everyone, seconds=90)
    rig.until(lambda: all(view.last["coordinator"]["spooled_records"] == 0 for view in rig.nodes()), seconds=60)
    stored = rig.stored()
    for view in rig.nodes():
        sequences = stored[view.member.node_id]
        assert sequences == list(range(1, len(sequences) + 1))
