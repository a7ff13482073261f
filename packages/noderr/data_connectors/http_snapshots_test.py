from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest

from noderr.data_connectors.errors import SnapshotError
from noderr.data_connectors.http_snapshots import BinanceSnapshots


@contextlib.asynccontextmanager
async def answering(answer: bytes, *, then_hang: bool = False) -> AsyncIterator[tuple[BinanceSnapshots, list[bytes]]]:
    """A server that says the same to everybody, and what it was asked."""
    asked: list[bytes] = []

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            asked.append(await reader.readuntil(b"\r\n\r\n"))
            writer.write(answer)
            await writer.drain()
            if then_hang:
                await reader.read()
        writer.close()

    async with await asyncio.start_server(handle, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        snapshots = BinanceSnapshots(f"http://127.0.0.1:{port}", timeout_seconds=0.5)
        try:
            yield snapshots, asked
        finally:
            await snapshots.close()


def response(status: str, body: bytes, *headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


async def test_the_answer_is_handed_over_as_it_is() -> None:
    async with answering(response("200 OK", b'{"lastUpdateId":1}')) as (snapshots, asked):
        assert await snapshots.fetch("BTC/USDT") == b'{"lastUpdateId":1}'
    assert asked[0].startswith(b"GET /api/v3/depth?symbol=BTCUSDT&limit=1000 HTTP/1.1\r\n")


@pytest.mark.parametrize(("header", "seconds"), [("Retry-After: 7", 7), ("Retry-After: soon", 0), ("X: y", 0)])
async def test_a_refusal_says_how_long_to_wait(header: str, seconds: float) -> None:
    async with answering(response("429 Too Many Requests", b'{"code":-1003}', header)) as (snapshots, _):
        with pytest.raises(SnapshotError, match="answers 429") as refused:
            await snapshots.fetch("BTC/USDT")
    assert refused.value.retry_seconds == seconds


async def test_what_is_too_large_is_not_read_to_its_end() -> None:
    async with answering(response("200 OK", b"x" * (9 << 20))) as (snapshots, _):
        with pytest.raises(SnapshotError, match="more than 8388608 bytes"):
            await snapshots.fetch("BTC/USDT")


async def test_who_hangs_is_left() -> None:
    async with answering(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nx", then_hang=True) as (snapshots, _):
        with pytest.raises(SnapshotError, match=r"does not answer within 0\.5 s"):
            await snapshots.fetch("BTC/USDT")


async def test_a_redirection_is_not_followed() -> None:
    async with answering(response("302 Found", b"", "Location: http://127.0.0.1:1/")) as (snapshots, _):
        with pytest.raises(SnapshotError, match="answers 302"):
            await snapshots.fetch("BTC/USDT")


async def test_nobody_there_is_said() -> None:
    snapshots = BinanceSnapshots("http://127.0.0.1:9", timeout_seconds=5)
    with pytest.raises(SnapshotError, match="ConnectError"):
        await snapshots.fetch("BTC/USDT")
    await snapshots.close()
