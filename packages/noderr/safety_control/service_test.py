"""The service and its routes on a node's parts: what it watches, and who may do what over HTTP."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from noderr.safety_control.permit_file import permits_to_text
from noderr.safety_control.routes import HALT_PATH, SAFETY_PATH
from noderr.safety_control.safety_log import Kind, SafetyLog
from noderr.safety_control.standing import Mode
from noderr.safety_control.testing import DOMAIN, GUARDIANS, NOW_S, VOTERS, permit, permits
from noderr.safety_control.testing_node import Node
from noderr.types.signing.account_key import checksum_address


async def turned(node: Node, seconds: float, until: Any) -> None:
    """Turn the clock until that holds: the store's thread needs real time."""
    for _ in range(200):
        await node.clock.advance(seconds)
        if until():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it never came true")


async def test_before_it_has_started_nothing_may_be_traded(tmp_path: Path) -> None:
    node = Node(tmp_path)
    assert (await node.service.look()).mode is Mode.HALTED
    assert node.service.missing() == ("safety control has not started",)
    answer = await node.http.post(HALT_PATH, json={"reason": "smoke"})
    assert answer.status_code == 503


async def test_a_node_in_paper_is_ready_and_says_so(tmp_path: Path) -> None:
    node = Node(tmp_path)
    async with node.running():
        assert node.service.missing() == ()
        answer = (await node.http.get(SAFETY_PATH)).json()
        assert (answer["mode"], answer["trading"], answer["lease_expires_at"]) == ("paper", "active", None)
        assert node.mode() == "paper"
    assert node.mode() == "halted"


async def test_anybody_halts_over_http_and_nobody_resumes(tmp_path: Path) -> None:
    node = Node(tmp_path)
    async with node.running():
        answer = await node.http.post(HALT_PATH, json={"reason": "smoke"})
        assert answer.status_code == 200
        assert (answer.json()["mode"], answer.json()["reasons"]) == ("halted", ["halted by http: smoke"])
        assert (await node.service.look()).mode is Mode.HALTED
        assert node.service.missing() == ("halted by http: smoke",)
        for method in ("PUT", "DELETE", "PATCH", "POST"):
            assert (await node.http.request(method, SAFETY_PATH, json={"mode": "paper"})).status_code == 405
        assert (await node.http.post("/api/v1/safety/resume", json={"reason": "x"})).status_code == 404
        assert (await node.http.get(SAFETY_PATH)).json()["mode"] == "halted"


@pytest.mark.parametrize(
    ("content", "kind", "status"),
    [
        (b'{"reason":"smoke"}', "text/plain", 415),
        (b'{"reason":"smoke"}', "application/x-www-form-urlencoded", 415),
        (b"", "application/json", 400),
        (b"{}", "application/json", 400),
        (b'{"reason":""}', "application/json", 400),
        (b'{"reason":"two\\nlines"}', "application/json", 400),
        (b'{"reason":"smoke","mode":"live"}', "application/json", 400),
        (b" " * 5000, "application/json", 413),
    ],
)
async def test_what_is_no_halt_is_refused(tmp_path: Path, content: bytes, kind: str, status: int) -> None:
    node = Node(tmp_path)
    async with node.running():
        answer = await node.http.post(HALT_PATH, content=content, headers={"content-type": kind})
        assert answer.status_code == status
        assert "error" in answer.json()
        assert (await node.service.look()).mode is Mode.PAPER


async def test_what_a_command_writes_is_seen_at_once_by_who_asks_and_soon_by_itself(tmp_path: Path) -> None:
    node = Node(tmp_path)
    async with node.running():
        beside = SafetyLog(tmp_path)
        await beside.append(Kind.HALT, "somebody", "smoke", 1)
        await turned(node, 1, lambda: node.mode() == "halted")
        await beside.append(Kind.RESUME, "somebody", "a toaster", 2)
        assert (await node.service.look()).mode is Mode.PAPER
        await beside.close()


async def test_a_lease_that_runs_out_is_noticed_and_written_down(tmp_path: Path) -> None:
    account = checksum_address(GUARDIANS[0].address)
    node = Node(tmp_path, trading_mode="live", live_account=account)
    node.service._guardians = (VOTERS, DOMAIN)  # What the voters' file would say.
    log = SafetyLog(tmp_path)
    await log.append(Kind.LEASE, "somebody", "go", NOW_S * 10**9, permits_to_text(permits(permit(seconds=60))))
    async with node.running():
        assert (await node.service.look()).mode is Mode.LIVE
        await turned(node, 1, lambda: node.mode() == "halted")
        assert node.clock.now_ns() >= (NOW_S + 60) * 10**9
        details = [record.detail for record in await log.records() if record.kind is Kind.MODE]
        assert details[-1] == "halted"
    await log.close()


async def test_when_nobody_watches_nothing_is_approved(tmp_path: Path) -> None:
    node = Node(tmp_path)
    await node.service.start()  # And nothing runs it.
    assert (await node.service.look()).mode is Mode.PAPER
    await node.clock.advance(10)
    standing = await node.service.look()
    assert standing.mode is Mode.HALTED
    assert "nobody has watched" in standing.reasons[0]
    await node.service.stop()


async def test_a_live_node_that_nobody_watched_stays_halted(tmp_path: Path) -> None:
    account = checksum_address(GUARDIANS[0].address)
    node = Node(tmp_path, trading_mode="live", live_account=account)
    node.service._guardians = (VOTERS, DOMAIN)
    log = SafetyLog(tmp_path)
    await log.append(Kind.LEASE, "somebody", "go", NOW_S * 10**9, permits_to_text(permits()))
    await node.service.start()
    assert node.service.standing.mode is Mode.LIVE
    await node.clock.advance(30)
    running = asyncio.create_task(node.service.run())
    await turned(node, 0.01, lambda: node.service.standing.reasons != ())
    assert [record.kind for record in await log.records()][1] is Kind.HALT
    assert "nobody watched over this node for 30 s" in (await node.service.look()).reasons[0]
    await node.service.stop()
    await running
    await log.close()


async def test_it_starts_again_after_a_stop(tmp_path: Path) -> None:
    node = Node(tmp_path)
    for _ in range(2):
        async with node.running():
            assert (await node.service.look()).mode is Mode.PAPER
