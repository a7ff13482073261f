"""Enrolment, suspension and desired versions, on both databases."""

from __future__ import annotations

import threading

import pytest

from noderr.coordinator.database import Database
from noderr.coordinator.errors import RegistryError
from noderr.coordinator.node_store import NodeStore
from noderr.coordinator.registry import Enrolment, Registry, parse_enrolment
from noderr.coordinator.testing import NOW_NS, ExampleNode

NODE = ExampleNode(1)
OTHER = ExampleNode(2, "guardian")


def enrolment(node: ExampleNode, address: str = "") -> Enrolment:
    return Enrolment(node.public_key, node.tier, address)


def test_enrolled_nodes_are_listed(database: Database) -> None:
    assert Registry(database).enrol([enrolment(NODE, "a:1"), enrolment(OTHER)], NOW_NS) == 2
    rows = NodeStore(database).all_nodes()
    assert [(row.node_id, row.tier, row.address, row.enrolled_at_ns) for row in rows] == [
        (OTHER.node_id, "guardian", "", NOW_NS),
        (NODE.node_id, "oracle", "a:1", NOW_NS),
    ]


def test_enrolling_again_changes_only_the_address(database: Database) -> None:
    registry = Registry(database)
    assert registry.enrol([enrolment(NODE, "a:1")], NOW_NS) == 1
    assert registry.enrol([enrolment(NODE)], NOW_NS + 1) == 0
    assert [(row.address, row.enrolled_at_ns) for row in NodeStore(database).all_nodes()] == [("a:1", NOW_NS)]
    assert registry.enrol([enrolment(NODE, "b:2")], NOW_NS + 1) == 0
    assert [(row.address, row.enrolled_at_ns) for row in NodeStore(database).all_nodes()] == [("b:2", NOW_NS)]


def test_a_key_has_one_tier_and_all_or_none_are_enrolled(database: Database) -> None:
    registry = Registry(database)
    registry.enrol([enrolment(NODE)], NOW_NS)
    with pytest.raises(RegistryError, match=f"{NODE.node_id} is enrolled as oracle, not validator"):
        registry.enrol([enrolment(OTHER), Enrolment(NODE.public_key, "validator")], NOW_NS)
    assert [row.node_id for row in NodeStore(database).all_nodes()] == [NODE.node_id]


def test_several_people_enrol_the_same_node(database: Database) -> None:
    added: list[int] = []
    together = threading.Barrier(4)
    database.migrate()

    def enrol() -> None:
        together.wait(timeout=20)
        added.append(Registry(database).enrol([enrolment(NODE)], NOW_NS))

    threads = [threading.Thread(target=enrol, daemon=True) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
        assert not thread.is_alive()
    assert sorted(added) == [0, 0, 0, 1]


def test_suspending_and_restoring(database: Database) -> None:
    registry = Registry(database)
    registry.enrol([enrolment(NODE)], NOW_NS)
    for suspended in (True, False):
        registry.suspend(NODE.node_id, suspended=suspended)
        assert [row.suspended for row in NodeStore(database).all_nodes()] == [suspended]
    with pytest.raises(RegistryError, match="no node 'nobody' is enrolled"):
        registry.suspend("nobody", suspended=True)


def test_desired_versions(database: Database) -> None:
    registry = Registry(database)
    registry.desire("oracle", "1.2.3")
    registry.desire("oracle", "1.3.0-rc.1")
    registry.desire("guardian", "1.2.3")
    assert registry.desired() == {"oracle": "1.3.0-rc.1", "guardian": "1.2.3"}
    registry.desire("oracle", None)
    assert registry.desired() == {"guardian": "1.2.3"}


@pytest.mark.parametrize(("tier", "version", "problem"), [("miner", "1.2.3", "'miner'"), ("oracle", "new", "'new'")])
def test_impossible_wishes(database: Database, tier: str, version: str, problem: str) -> None:
    with pytest.raises(RegistryError, match=problem):
        Registry(database).desire(tier, version)
    assert Registry(database).desired() == {}


@pytest.mark.parametrize(
    ("key", "tier", "address", "problem"),
    [
        ("00" * 32, "miner", "", "tier 'miner' does not exist: choose one of oracle, guardian, validator"),
        ("00" * 31, "oracle", "", "64 hexadecimal digits"),
        ("xy" * 32, "oracle", "", "64 hexadecimal digits"),
        ("00" * 32, "oracle", "host", "write host:port"),
        ("00" * 32, "oracle", "host:0", "port must be a number from 1 to 65535"),
    ],
)
def test_impossible_enrolments(key: str, tier: str, address: str, problem: str) -> None:
    with pytest.raises(RegistryError, match=problem):
        parse_enrolment(key, tier, address)
