from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest

from noderr.core.data_claim import claimed_data_dir
from noderr.core.identity import KEY_FILE, load_identity
from noderr.core.peer_address import PeerAddress
from noderr.core.preflight import CheckResult, Outcome, failed, render_json, render_table, run_preflight
from noderr.core.preflight.machine_checks import check_memory
from noderr.core.preflight.network_checks import check_coordinator, check_peer
from noderr.core.settings import NodeSettings
from noderr.core.testing import small_guardian
from noderr.types import TierManifest
from noderr.utils import ManualClock, SystemClock

NOW = datetime(2030, 1, 1, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def manifest() -> TierManifest:
    return small_guardian()


type Check = Callable[..., dict[str, CheckResult]]


@pytest.fixture
def check(manifest: TierManifest, tmp_path: Path) -> Check:
    def run(**environ: str) -> dict[str, CheckResult]:
        defaults = {"NODEOS_DATA_DIR": str(tmp_path / "data"), "NODEOS_HTTP_PORT": "0", "NODEOS_GRPC_PORT": "0"}
        results = run_preflight(defaults | environ, manifest, SystemClock())
        return {result.name: result for result in results}

    return run


def test_fresh_machine_passes_and_nothing_is_made_but_the_directory(check: Check, tmp_path: Path) -> None:
    found = check()
    assert not failed(list(found.values()))
    assert found["node key"].found.endswith("is made in the first start")
    assert list((tmp_path / "data").iterdir()) == []


def test_all_wrong_settings_are_listed(manifest: TierManifest) -> None:
    results = run_preflight({"NODEOS_HTTP_PORT": "x", "NODEOS_PERS": "y"}, manifest, SystemClock())
    wrong = [result.found for result in results if result.outcome is Outcome.FAILED]
    assert len(wrong) == 2
    assert "did you mean NODEOS_PEERS?" in wrong[0]
    assert failed(results)


def test_open_key_names_its_remedy(check: Check, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir(mode=0o700)
    load_identity(tmp_path / "data")
    assert check()["node key"].outcome is Outcome.OK
    (tmp_path / "data" / KEY_FILE).chmod(0o644)
    assert "chmod 0600" in check()["node key"].found


def test_taken_port_fails(check: Check) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        result = check(NODEOS_GRPC_PORT=str(taken.getsockname()[1]))["gRPC port"]
    assert result.outcome is Outcome.FAILED
    assert "in use" in result.found


def test_running_node_is_named(check: Check, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    with claimed_data_dir(tmp_path / "data", "guardian", "1.2.3"):
        assert check()["data directory"].outcome is Outcome.WARNING


def test_directory_that_cannot_be_made_hides_only_what_lies_in_it(check: Check, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    found = check(NODEOS_DATA_DIR=str(tmp_path / "file" / "data"))
    assert found["data directory"].outcome is Outcome.FAILED
    assert "node key" not in found
    assert found["HTTP port"].outcome is Outcome.OK


def test_memory_limit_of_the_container_counts(manifest: TierManifest, tmp_path: Path) -> None:
    (tmp_path / "memory.max").write_text("268435456\n")
    result = check_memory(manifest, tmp_path)
    assert (result.outcome, result.found) == (Outcome.WARNING, "0.2 GiB (the container's limit)")
    (tmp_path / "memory.max").write_text("max\n")
    assert check_memory(manifest, tmp_path).outcome is Outcome.OK


async def test_peer_that_is_not_there_is_named_with_its_port() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    result = await check_peer(PeerAddress(b"k" * 32, "127.0.0.1", port))
    assert result.outcome is Outcome.WARNING
    assert f"TCP port {port}" in result.remedy


async def test_peer_without_tls_is_noticed() -> None:
    async def answer(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        result = await check_peer(PeerAddress(b"k" * 32, "127.0.0.1", server.sockets[0].getsockname()[1]))
    assert "speaks no TLS" in result.found


@asynccontextmanager
async def coordinator(status: int, date: datetime, body: bytes = b"") -> AsyncIterator[NodeSettings]:
    """A server that answers every request alike."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        head = (
            f"HTTP/1.1 {status} x\r\ndate: {format_datetime(date, usegmt=True)}\r\ncontent-length: {len(body)}\r\n\r\n"
        )
        with suppress(ConnectionError):  # Who has read enough leaves.
            writer.write(head.encode() + body)
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        values: dict[str, Any] = {"http_port": 0, "grpc_port": 0, "coordinator_url": f"http://127.0.0.1:{port}"}
        yield NodeSettings(**values)


@pytest.mark.parametrize(
    ("off_seconds", "outcome"), [(0, Outcome.OK), (30, Outcome.WARNING), (-412, Outcome.FAILED), (412, Outcome.FAILED)]
)
async def test_clock_is_compared_with_the_coordinators(off_seconds: int, outcome: Outcome) -> None:
    clock = ManualClock(int(NOW.timestamp() + off_seconds) * 1_000_000_000 + 500_000_000)
    async with coordinator(405, NOW) as settings:
        found, clocks = await check_coordinator(settings, clock)
    assert found.outcome is Outcome.OK
    assert clocks.outcome is outcome
    if off_seconds:
        assert f"{off_seconds:+} s" in clocks.found


async def test_address_without_a_coordinator_fails() -> None:
    async with coordinator(404, NOW) as settings:
        found, clocks = await check_coordinator(settings, ManualClock())
    assert found.outcome is Outcome.FAILED
    assert "answers 404" in found.found
    assert clocks.outcome is Outcome.SKIPPED


async def test_coordinator_that_is_not_there_is_named() -> None:
    async with coordinator(405, NOW) as settings:
        pass
    found, clocks = await check_coordinator(settings, ManualClock())
    assert found.outcome is Outcome.WARNING
    assert found.found.startswith(f"{settings.coordinator_url} does not answer: ConnectError: ")
    assert "the node starts" in found.remedy
    assert clocks.outcome is Outcome.SKIPPED


async def test_address_that_floods_is_no_coordinator() -> None:
    async with coordinator(405, NOW, bytes(1 << 20)) as settings:
        found, _ = await check_coordinator(settings, ManualClock())
    assert found.outcome is Outcome.WARNING
    assert found.found == f"{settings.coordinator_url} answers with more than 65536 bytes"


def test_table_shows_finding_and_remedy_and_json_says_the_same() -> None:
    results = [
        CheckResult("disk", Outcome.OK, "12 GB free"),
        CheckResult("gRPC port", Outcome.FAILED, "TCP port 1 is taken " + "x" * 120, "free it"),
    ]
    text = render_table(results, width=80)
    assert text.startswith("✓ disk       12 GB free\n✕ gRPC port  TCP port 1 is taken")
    assert "             → free it\n" in text
    assert text.endswith("1 of 2 checks failed: mend them and check again.\n")
    document = json.loads(render_json(results))
    assert document["ok"] is False
    assert document["checks"][1]["remedy"] == "free it"
