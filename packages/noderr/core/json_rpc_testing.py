"""For tests: a chain's node on loopback that answers as a test says, truly or not."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any

from noderr.core.json_rpc import JsonRpc

type Responder = Callable[[list[dict[str, Any]]], bytes]
"""Takes the questions, gives all that goes over the wire."""

TIMEOUT_SECONDS = 0.5
MAX_ANSWER_BYTES = 1 << 16


def http_response(body: bytes, status: str = "200 OK", *headers: str) -> bytes:
    """A whole answer, after which the connection ends."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


def answered(*answers: Mapping[str, Any]) -> bytes:
    """These answers to a list of questions, numbered from 0 where they do not say otherwise."""
    numbered = [{"jsonrpc": "2.0", "id": number} | dict(answer) for number, answer in enumerate(answers)]
    return http_response(json.dumps(numbered).encode())


def results(*values: Any) -> bytes:
    """These results."""
    return answered(*({"result": value} for value in values))


@contextlib.asynccontextmanager
async def rpc_node(respond: Responder, *, then_hang: bool = False, path: str = "") -> AsyncIterator[JsonRpc]:
    """Somebody who asks the node. What `respond` raises is raised here."""
    failures: list[Exception] = []

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0])
            questions = json.loads(await reader.readexactly(length))
            try:
                writer.write(respond(questions))
            except Exception as error:
                failures.append(error)
            await writer.drain()
            if then_hang:
                await reader.read()
        writer.close()

    async with await asyncio.start_server(handle, "127.0.0.1", 0) as server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}{path}"
        async with JsonRpc(url, timeout_seconds=TIMEOUT_SECONDS, max_answer_bytes=MAX_ANSWER_BYTES) as rpc:
            yield rpc
    if failures:
        raise failures[0]
