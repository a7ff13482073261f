"""Heartbeats and peers, on both databases."""

from __future__ import annotations

import pytest

from noderr.coordinator.database import Database
from noderr.coordinator.errors import Refusal
from noderr.coordinator.network import known_nodes
from noderr.coordinator.node_store import NodeStore
from noderr.coordinator.registry import Enrolment, Registry
from noderr.coordinator.testing import NOW_NS, SECOND_NS, ExampleNode
from noderr.types.wire.telemetry_pb2 import Heartbeat

NODES = tuple(ExampleNode(number) for number in (1, 2, 3))
NODE = NODES[0]


@pytest.fixture
def store(database: Database) -> NodeStore:
    Registry(database).enrol([Enrolment(node.public_key, node.tier) for node in NODES], NOW_NS)
    return NodeStore(database)


def refusal(store: NodeStore, message: Heartbeat, node_id: str = NODE.node_id) -> Refusal:
    with pytest.raises(Refusal) as caught:
        store.heartbeat(node_id, message, NOW_NS)
    return caught.value


def test_a_heartbeat_is_kept_whole(store: NodeStore) -> None:
    message = NODE.heartbeat(7, at_ns=NOW_NS - SECOND_NS, address="[::1]:50052")
    message.missing.extend(["a peer", "market data \0"])
    message.ready, message.peers_connected, message.peers_configured = False, 2, 3
    message.resident_memory_bytes, message.spooled_records = 1000, 5
    assert store.heartbeat(NODE.node_id, message, NOW_NS) == ""
    (node,) = (one for one in known_nodes(store.all_nodes(), NOW_NS, 15) if one.node_id == NODE.node_id)
    assert (node.state, node.version, node.alive, node.ready) == ("online", "1.2.3", True, False)
    assert node.missing == ("a peer", "market data \0")
    assert (node.peers_connected, node.peers_configured, node.address) == (2, 3, "[::1]:50052")
    assert (node.resident_memory_bytes, node.spooled_records, node.clock_offset_seconds) == (1000, 5, -1.0)


def test_the_largest_numbers_of_the_wire_fit(store: NodeStore) -> None:
    message = NODE.heartbeat(2**63 - 1)
    message.peers_connected = message.peers_configured = 2**32 - 1
    message.resident_memory_bytes = message.spooled_records = 2**64 - 1
    message.started_at_unix_ns = -(2**63)
    store.heartbeat(NODE.node_id, message, NOW_NS)
    assert len(known_nodes(store.all_nodes(), NOW_NS, 15)) == 3


def test_long_words_are_cut(store: NodeStore) -> None:
    message = NODE.heartbeat(1)
    message.missing.extend(["x" * 1000] * 40)
    store.heartbeat(NODE.node_id, message, NOW_NS)
    (node,) = (one for one in known_nodes(store.all_nodes(), NOW_NS, 15) if one.node_id == NODE.node_id)
    assert node.missing == ("x" * 500,) * 32


@pytest.mark.parametrize("sequence", [4, 5])
def test_an_old_sequence(store: NodeStore, sequence: int) -> None:
    store.heartbeat(NODE.node_id, NODE.heartbeat(5), NOW_NS)
    refused = refusal(store, NODE.heartbeat(sequence))
    assert (refused.status, refused.code, refused.next_sequence) == (409, "old-sequence", 6)
    assert f"heartbeat {sequence} is not above 5" in refused.message


@pytest.mark.parametrize(
    ("message", "problem"),
    [
        (NODE.heartbeat(0), "sequence = 0"),
        (NODE.heartbeat(2**63), "sequence = 9223372036854775808"),
        (NODE.heartbeat(1, version="1\0"), "version"),
        (NODE.heartbeat(1, version="1" * 65), "version"),
        (NODE.heartbeat(1, address="nowhere"), "write host:port"),
        (NODE.heartbeat(1, address="a\0b:1"), "must be host:port"),
        (NODE.heartbeat(1, address=f"{'a' * 300}:1"), "must be host:port"),
        (ExampleNode(1, "validator").heartbeat(1), "is enrolled as oracle, and says 'validator'"),
    ],
)
def test_malformed(store: NodeStore, message: Heartbeat, problem: str) -> None:
    refused = refusal(store, message)
    assert (refused.status, refused.code) == (400, "malformed")
    assert problem in refused.message
    assert all(row.heartbeat_at_ns is None for row in store.all_nodes())


def test_strangers_and_suspended_nodes_are_not_heard(store: NodeStore, database: Database) -> None:
    assert refusal(store, NODE.heartbeat(1), "nobody").code == "unknown-node"
    Registry(database).suspend(NODE.node_id, suspended=True)
    refused = refusal(store, NODE.heartbeat(1))
    assert (refused.status, refused.code) == (403, "unknown-node")
    assert "is suspended" in refused.message
    with pytest.raises(Refusal, match="unknown-node"):
        store.peers_of(NODE.node_id, NOW_NS)
    Registry(database).suspend(NODE.node_id, suspended=False)
    store.heartbeat(NODE.node_id, NODE.heartbeat(1), NOW_NS)


def test_the_desired_version_is_told(store: NodeStore, database: Database) -> None:
    Registry(database).desire("oracle", "2.0.0")
    Registry(database).desire("guardian", "3.0.0")
    assert store.heartbeat(NODE.node_id, NODE.heartbeat(1), NOW_NS) == "2.0.0"
    Registry(database).desire("oracle", None)
    assert store.heartbeat(NODE.node_id, NODE.heartbeat(2), NOW_NS) == ""


def test_peers_are_those_heard_lately_that_say_where_they_are(store: NodeStore, database: Database) -> None:
    first, second, third = NODES
    store.heartbeat(first.node_id, first.heartbeat(1, address="first:1"), NOW_NS)
    store.heartbeat(second.node_id, second.heartbeat(1, address="second:2"), NOW_NS)
    store.heartbeat(third.node_id, third.heartbeat(1), NOW_NS)

    def asked_by(node: ExampleNode, seconds: int = 0) -> list[tuple[bytes, str, str]]:
        peers = store.peers_of(node.node_id, NOW_NS + seconds * SECOND_NS)
        return [(peer.public_key, peer.tier, peer.address) for peer in peers]

    assert asked_by(first) == [(second.public_key, "oracle", "second:2")]
    assert {address for _, _, address in asked_by(third)} == {"first:1", "second:2"}
    assert len(asked_by(third, 300)) == 2
    assert asked_by(third, 301) == []
    Registry(database).suspend(second.node_id, suspended=True)
    assert asked_by(first) == []


def test_a_node_that_does_not_say_keeps_the_address_of_its_enrolment(store: NodeStore, database: Database) -> None:
    Registry(database).enrol([Enrolment(NODE.public_key, NODE.tier, "enrolled:1")], NOW_NS)
    store.heartbeat(NODE.node_id, NODE.heartbeat(1), NOW_NS)
    assert [peer.address for peer in store.peers_of(NODES[1].node_id, NOW_NS)] == ["enrolled:1"]
    store.heartbeat(NODE.node_id, NODE.heartbeat(2, address="said:2"), NOW_NS)
    assert [peer.address for peer in store.peers_of(NODES[1].node_id, NOW_NS)] == ["said:2"]
