"""Nodes and networks in the states that a person may meet, for looking at their pages."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta

from noderr.coordinator.description import KnownNode, NetworkDescription, StoredRecord
from noderr.core.description import (
    CoordinatorDescription,
    Identity,
    NodeDescription,
    Packages,
    PeerDescription,
    QueueDescription,
    RoundDescription,
    ServiceDescription,
)
from noderr.core.vitals import Missing

NOW = datetime(2030, 5, 17, 9, 41, 7, tzinfo=UTC)
TIERS = ("oracle", "guardian", "validator")
SHARED = ("telemetry", "core", "types", "utils")
ORACLE = (
    *("oracle-consensus", "alpha-edge", "alpha-exploitation", "market-intel", "quant-research"),
    *("ml", "ml-client", "capital-ai", "backtesting"),
)


def digits(name: object, length: int) -> str:
    """Digits that look like an id or a key, the same for the same name."""
    return hashlib.sha256(str(name).encode()).hexdigest()[:length]


def fine_node() -> NodeDescription:
    """Everything is here and runs."""
    services = ("event-loop", "event-bus", "http", "grpc", "peers", "telemetry", "coordinator-link", "consensus")
    return NodeDescription(
        identity=Identity(digits("fine", 40), digits("fine key", 64), "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"),
        tier="oracle",
        tier_number=3,
        responsibility="Intelligence & Consensus",
        version="1.4.2",
        started_at=NOW - timedelta(days=3, hours=4),
        uptime_seconds=3 * 86_400 + 4 * 3600,
        alive=True,
        ready=True,
        packages=Packages((*ORACLE, *SHARED), ()),
        services=tuple(
            ServiceDescription(name, name not in ("peers", "coordinator-link"), "running", 0, None) for name in services
        ),
        peers=tuple(_peer(number) for number in range(6)),
        queues=(
            QueueDescription("service.changed → telemetry", 0, 256, 0),
            QueueDescription("market.book → alpha-edge", 711, 1024, 0),
            QueueDescription("signal.proposed → consensus", 3, 64, 0),
        ),
        rounds=(
            RoundDescription(
                "oracle-consensus",
                184_203,
                "reveal",
                NOW - timedelta(seconds=4),
                0,
                3,
                4,
                ("0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359",),
            ),
        ),
        coordinator=CoordinatorDescription(
            "https://coordinator.example", True, NOW - timedelta(seconds=9), -0.012, "1.4.2", 3, 812, 0, None
        ),
    )


def unready_node() -> NodeDescription:
    """Nine listed packages do not exist, a service is dead and another lacks what it needs."""
    problem = "Connection refused by 10.0.0.7:50052 while the stream of votes was open"
    missing = (
        *(Missing("package", name, "not in this build") for name in ORACLE),
        Missing("package", "on-chain-service", "not in this build"),
        Missing("service", "market-data", problem),
        Missing("need", "peers", "1 of 3 configured peers is connected, and 2 are needed"),
    )
    fine = fine_node()
    return NodeDescription(
        identity=fine.identity,
        tier=fine.tier,
        tier_number=fine.tier_number,
        responsibility=fine.responsibility,
        version=fine.version,
        started_at=NOW - timedelta(minutes=7),
        uptime_seconds=7 * 60,
        alive=True,
        ready=False,
        packages=Packages(SHARED, (*ORACLE, "on-chain-service")),
        services=(*fine.services[:-1], ServiceDescription("market-data", False, "restarting", 1204, problem)),
        missing=missing,
        coordinator=CoordinatorDescription("", False, None, None, None, 0, 0, 0, None),
    )


def troubled_node() -> NodeDescription:
    """Peers are down, the coordinator is away, the spool overflows, and a critical service is dead."""
    fine = fine_node()
    failed = ServiceDescription("consensus", True, "failed", 5, "disk I/O error on /data/consensus.sqlite")
    away = CoordinatorDescription(
        "https://coordinator.example",
        False,
        NOW - timedelta(hours=2, minutes=11),
        7.25,
        "1.5.0",
        120_403,
        49_887_120,
        1_204,
        "connect timeout after 10 s; the next try is in 48 s",
    )
    return NodeDescription(
        identity=fine.identity,
        tier=fine.tier,
        tier_number=fine.tier_number,
        responsibility=fine.responsibility,
        version=fine.version,
        started_at=fine.started_at,
        uptime_seconds=fine.uptime_seconds,
        alive=False,
        ready=False,
        packages=fine.packages,
        services=(*fine.services[:-1], failed),
        missing=(
            Missing("service", "consensus", failed.problem or ""),
            Missing("need", "peers", "no peer is connected"),
        ),
        peers=(*(_lost_peer(number) for number in range(4)), _peer(4)),
        queues=(QueueDescription("market.book → alpha-edge", 1024, 1024, 88_120), *fine.queues[2:]),
        coordinator=away,
    )


def _peer(number: int) -> PeerDescription:
    tier = TIERS[number % 3]
    return PeerDescription(
        digits(number, 40),
        f"10.0.0.{number + 2}:5005{number % 3}",
        True,
        tier,
        "1.4.2" if number else "1.4.1",
        number != 3,
        0.0004 + number * 0.0031,
        NOW - timedelta(seconds=number),
        number // 4,
    )


def _lost_peer(number: int) -> PeerDescription:
    problem = ("Connection refused", "its key is not the one on the list", "no answer for 30 s", "no route to host")
    return PeerDescription(
        digits(number, 40),
        f"10.0.0.{number + 2}:50052",
        False,
        last_seen_at=NOW - timedelta(minutes=12 * number) if number else None,
        queued_messages=64 * number,
        problem=problem[number],
    )


def network(size: int) -> NetworkDescription:
    """A network of `size` nodes, of which every seventh has some trouble."""
    return NetworkDescription(
        version="1.4.2",
        public_key=digits("coordinator", 64),
        at=NOW,
        nodes=tuple(_node(number) for number in range(size)),
        desired_versions={"oracle": "1.4.2", "guardian": "1.4.2"},
        recent=tuple(
            StoredRecord(
                digits(number % max(size, 1), 40),
                90_000 - number,
                NOW - timedelta(seconds=3 * number),
                "service_changed",
                "peers is restarting: connection refused" if number % 3 else "is ready",
            )
            for number in range(12)
        ),
    )


def _node(number: int) -> KnownNode:
    state = {2: "late", 9: "silent", 16: "never"}.get(number % 21, "online")
    ready = state == "online" and number % 7 != 5
    missing = ("service peers: connection refused", "need consensus: no quorum", "package ml: not in this build")
    heard = state != "never"
    return KnownNode(
        node_id=digits(number, 40),
        public_key=digits(f"key {number}", 64),
        tier=TIERS[number % 3],
        state=state,
        enrolled_at=NOW - timedelta(days=40),
        address=f"10.0.{number // 200}.{number % 200 + 2}:5005{number % 3}",
        version=("1.4.1" if number % 11 == 4 else "1.4.2") if heard else None,
        alive=heard or None,
        ready=ready if heard else None,
        missing=() if ready or not heard else missing,
        last_heartbeat_at=(
            NOW - timedelta(seconds={"late": 190, "silent": 90_000}.get(state, number % 15)) if heard else None
        ),
        started_at=NOW - timedelta(hours=number + 1) if heard else None,
        clock_offset_seconds=(number % 9 - 4) / 1000 if heard else None,
        peers_connected=10 if ready else 2 if heard else 0,
        peers_configured=10 if heard else 0,
        resident_memory_bytes=78_000_000 + number * 31_000 if heard else 0,
        spooled_records=0 if ready or not heard else 40,
        records=number * 1_203 if heard else 0,
        last_sequence=number * 1_203,
        lost_records=17 if state == "silent" else 0,
    )
