"""The coordinator as its operator and its nodes meet it: a real process, killed, started again, left alone."""

from __future__ import annotations

import signal
import sqlite3
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from noderr.coordinator.testing import ExampleNode, peers_request
from noderr.coordinator.testing_postgres import PostgresServer
from noderr.coordinator.testing_process import NODE, Machine, wait_until
from noderr.types.signing.messages import open_message, parse_signed
from noderr.types.wire.telemetry_pb2 import HeartbeatReply

OTHER = ExampleNode(2, "guardian")


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    made = Machine(tmp_path)
    yield made
    made.end_all()


@pytest.fixture(params=["sqlite", "postgresql"])
def stored(request: pytest.FixtureRequest, machine: Machine) -> Machine:
    """A machine on each of the two databases."""
    if request.param == "postgresql":
        server: PostgresServer = request.getfixturevalue("postgres")
        machine.environ["NODEOS_DATABASE_URL"] = server.new_database().render_as_string(hide_password=False)
    return machine


def test_nothing_acknowledged_is_lost_when_it_is_killed(stored: Machine) -> None:
    coordinator = stored.serve()
    refused = coordinator.heartbeat(1)
    assert (refused.status_code, refused.json()["code"]) == (403, "unknown-node")
    stored.enrol(NODE)  # While it serves, as an operator does.
    assert stored.run("desire", "--tier", "oracle", "--version", "2.0.0").returncode == 0
    body = NODE.body("heartbeat", NODE.heartbeat(1, at_ns=time.time_ns()))
    signed = parse_signed(coordinator.post("heartbeat", body).content)
    assert signed.public_key.hex() == stored.run("key").stdout.strip()
    reply = open_message("heartbeat reply", signed, HeartbeatReply, context=parse_signed(body).signature)
    assert (reply.desired_version, reply.next_heartbeat_seconds) == ("2.0.0", 15)

    # Killed in the middle of its work: some batch is under way, and whether it was stored nobody knows.
    acknowledged = 0
    killer = threading.Timer(0.3, coordinator.end, [signal.SIGKILL])
    killer.start()
    try:
        while True:
            acknowledged = coordinator.telemetry(*range(acknowledged + 1, acknowledged + 6)).accepted_sequence
    except httpx.TransportError:
        pass
    killer.join()
    assert acknowledged > 0

    again = stored.serve()
    (node,) = again.network()["nodes"]
    assert node["records"] in (acknowledged, acknowledged + 5)
    assert (node["state"], node["version"], node["lost_records"]) == ("online", "1.2.3", 0)
    # The key is the same, the sequence of heartbeats is remembered, and the batch sent again is there once.
    assert again.network()["public_key"] == signed.public_key.hex()
    assert again.heartbeat(1).json()["code"] == "old-sequence"
    reply_again = again.telemetry(*range(acknowledged + 1, acknowledged + 6))
    assert reply_again.accepted_sequence == acknowledged + 5
    assert reply_again.new_records == (0 if node["records"] > acknowledged else 5)
    assert again.network()["nodes"][0]["records"] == acknowledged + 5
    assert again.end(signal.SIGTERM) == 0


def test_what_the_operator_sees(machine: Machine) -> None:
    for node in (NODE, OTHER):
        machine.enrol(node)
    coordinator = machine.serve()
    coordinator.heartbeat(1)
    coordinator.telemetry(2)
    assert (coordinator.get("/health").status_code, coordinator.get("/ready").status_code) == (200, 200)
    network = coordinator.network()
    assert [(node["tier"], node["state"]) for node in network["nodes"]] == [("guardian", "never"), ("oracle", "online")]
    assert (network["nodes"][1]["records"], network["nodes"][1]["lost_records"]) == (1, 1)
    (recent,) = network["recent"]
    assert (recent["sequence"], recent["text"]) == (2, "tested (text=record 2)")
    page = coordinator.get("/")
    assert (page.status_code, NODE.node_id in page.text) == (200, True)
    metrics = coordinator.get("/metrics").text
    for line in (
        "noderr_coordinator_records_total 1.0",
        "noderr_coordinator_store_up 1.0",
        'noderr_coordinator_messages_total{kind="heartbeat",outcome="accepted"} 1.0',
        'noderr_coordinator_nodes{state="never",tier="guardian"} 1.0',
    ):
        assert line in metrics.splitlines()
    machine.environ["NODEOS_HTTP_PORT"] = coordinator.http.rpartition(":")[2]
    assert machine.run("health").returncode == 0
    # Nodes and operator do not share a port.
    assert coordinator.get("/v1/peers").status_code == 404
    assert httpx.get(f"{coordinator.nodes}/metrics").status_code == 404


def test_two_coordinators_do_not_share_a_data_directory(machine: Machine) -> None:
    machine.serve()
    second = machine.run("serve")
    assert second.returncode == 2
    assert "is in use by process" in second.stderr


def test_a_newer_database_is_refused(machine: Machine) -> None:
    machine.enrol(NODE)
    connection = sqlite3.connect(Path(machine.environ["NODEOS_DATA_DIR"]) / "coordinator.sqlite3")
    with connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.close()
    for command in ("serve", "nodes", "migrate"):
        done = machine.run(command)
        assert done.returncode == 2
        assert "a newer one has used it. Run that version" in done.stderr


def test_postgresql_goes_away_and_comes_back(machine: Machine, postgres: PostgresServer) -> None:
    machine.environ["NODEOS_DATABASE_URL"] = postgres.new_database().render_as_string(hide_password=False)
    machine.enrol(NODE)
    coordinator = machine.serve()
    assert coordinator.telemetry(1, 2).new_records == 2
    postgres.stop()
    try:
        refused = coordinator.heartbeat(1)
        assert (refused.status_code, refused.json()["code"]) == (503, "unavailable")
        assert refused.headers["retry-after"] == "5"
        wait_until(lambda: coordinator.get("/ready").status_code == 503)
        assert "the database does not answer" in coordinator.get("/ready").text
        assert coordinator.get("/health").status_code == 200
        assert (coordinator.get("/api/v1/network").status_code, coordinator.get("/").status_code) == (503, 503)
        assert machine.run("nodes").returncode == 1
    finally:
        postgres.start()
    assert coordinator.telemetry(1, 2, 3).new_records == 1
    wait_until(lambda: coordinator.get("/ready").status_code == 200)


def test_postgresql_that_comes_after_the_coordinator(machine: Machine, postgres: PostgresServer) -> None:
    machine.environ["NODEOS_DATABASE_URL"] = postgres.new_database().render_as_string(hide_password=False)
    postgres.stop()
    try:
        coordinator = machine.serve()
        assert (coordinator.get("/health").status_code, coordinator.get("/ready").status_code) == (200, 503)
    finally:
        postgres.start()
    wait_until(lambda: coordinator.get("/ready").status_code == 200)
    machine.enrol(NODE)
    assert coordinator.telemetry(1).new_records == 1
    peers = coordinator.post("peers", NODE.body("peers", peers_request(time.time_ns())))
    assert peers.status_code == 200
    assert coordinator.end(signal.SIGTERM) == 0
