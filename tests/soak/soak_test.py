"""The soak, short; and that it sees what it is there to see."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Callable
from copy import replace
from pathlib import Path

import pytest

from tests.soak.good_clients import GoodClients
from tests.soak.report import GROWTH_LIMIT_BYTES, Report
from tests.soak.requests import main

NODE_ID = "ab" * 32


def test_a_node_keeps_its_promises_among_bad_clients(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    document = tmp_path / "soak.json"
    code = main(["--requests", "20000", "--json", str(document)])
    told = capfd.readouterr().err
    assert code == 0, told
    assert "of 20000 answers" in told
    found = json.loads(document.read_text())
    assert found["failures"] == []
    assert sum(found["statuses"].values()) == 20000
    assert set(found["statuses"]) == {"/ 200", "/api/v1/node 200", "/health 200", "/metrics 200", "/ready 503"}
    assert set(found["bad_connections"]) == {"slow", "half_open", "deaf", "garbage", "grpc_garbage"}
    assert found["cut"]["malformed"] > 0
    assert len(found["resident_bytes"]) == 11


KEPT = Report(10, statuses={"/health 200": 10}, resident_bytes=[1, 2], alive=True, serves_grpc=True, exit_code=0)


@pytest.mark.parametrize(
    ("report", "failure"),
    [
        (replace(KEPT, wrong={"/health: status 500": 1}), "wrong answers"),
        (replace(KEPT, statuses={"/health 200": 9}), "9 answers to 10 requests"),
        (replace(KEPT, resident_bytes=[0, GROWTH_LIMIT_BYTES]), "memory grew by 10.0 MB"),
        (replace(KEPT, resident_bytes=[]), "memory was not measured"),
        (replace(KEPT, descriptors_before=5, descriptors_after=8), "8 descriptors are open, and 5 were before"),
        (replace(KEPT, alive=False), "not alive"),
        (replace(KEPT, serves_grpc=False), "gRPC port does not serve"),
        (replace(KEPT, exit_code=-9), "exit code -9"),
    ],
)
def test_a_promise_that_is_not_kept_is_a_failure(report: Report, failure: str) -> None:
    assert KEPT.failures() == []
    [found] = report.failures()
    assert failure in found


@pytest.mark.parametrize(
    ("answer", "right"),
    [
        (lambda: _http(b"200 OK", b'{"alive":true,"problems":[]}'), ["/health"]),
        (lambda: _http(b"503 Busy", b'{"ready":true,"missing":[]}'), []),
        (lambda: b"HTTP/1.1 200 OK\r\n\r\n", []),
        (lambda: _http(b"200 OK", b"{}")[:-1], []),
    ],
    ids=["one for all", "untrue", "no length", "cut off"],
)
async def test_wrong_answers_are_seen(answer: Callable[[], bytes], right: list[str]) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer())
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        good = GoodClients(port, NODE_ID, 60, random.Random(1), lambda _answers: None)
        await good.run(2)
    assert good.wrong.total() == 60 - sum(good.statuses[f"{path} 200"] for path in right)


def _http(status: bytes, body: bytes) -> bytes:
    return b"HTTP/1.1 %b\r\ncontent-length: %d\r\n\r\n%b" % (status, len(body), body)
