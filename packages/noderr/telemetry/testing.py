"""For the tests of this package: a coordinator on loopback that speaks the real protocol, and a clock that is watched.

`noderr.coordinator` may not be imported here; this one keeps the same promises, and does wrong when a test says so.
"""

from __future__ import annotations

import asyncio
import json
from collections import defaultdict, deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Self

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from google.protobuf.message import Message

from noderr.types.signing.messages import open_message, parse_signed, sign_message
from noderr.types.wire.telemetry_pb2 import (
    Batch,
    BatchReply,
    Heartbeat,
    HeartbeatReply,
    PeerAddress,
    PeersReply,
    PeersRequest,
    Record,
)
from noderr.utils import ManualClock

NOW_NS = 1_800_000_000_000_000_000
NODE_KEY = Ed25519PrivateKey.from_private_bytes(bytes(31) + b"\x01")
COORDINATOR_KEY = Ed25519PrivateKey.from_private_bytes(bytes(31) + b"\xff")
STRANGER_KEY = Ed25519PrivateKey.from_private_bytes(bytes(31) + b"\x09")


def http_answer(status: int, body: bytes, **headers: str) -> bytes:
    """An HTTP answer as it goes over the wire; `retry_after="5"` becomes `retry-after: 5`."""
    fields = {"content_length": str(len(body)), "content_type": "application/x-protobuf"} | headers
    head = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in fields.items())
    return f"HTTP/1.1 {status} So\r\n{head}\r\n".encode() + body


def refusal(status: int, code: str, *, next_sequence: int = 0, **headers: str) -> bytes:
    """A refusal, which is JSON and not signed."""
    body = {"code": code, "message": f"because of {code}"} | ({"next_sequence": next_sequence} if next_sequence else {})
    return http_answer(status, json.dumps(body).encode(), content_type="application/json", **headers)


@dataclass(frozen=True)
class Request:
    """What a node sent. `answer` is what it gets if nothing goes wrong, made when it is asked for."""

    path: str
    headers: dict[str, str]
    body: bytes
    answer: Callable[[], bytes]

    @property
    def signature(self) -> bytes:
        return parse_signed(self.body).signature


type Fault = Callable[[Request, asyncio.StreamWriter], Awaitable[None]]
"""Answers one request in its own way; the connection is closed after it."""


class LoopbackCoordinator:
    """What it got is in its fields. `faults[path]` are for the next requests there, `always[path]` for all others."""

    def __init__(self, clock: ManualClock | None = None) -> None:
        self.clock = clock or ManualClock(NOW_NS)
        self.requests: list[Request] = []
        self.heartbeats: list[Heartbeat] = []
        self.batches: list[Batch] = []
        self.stored: dict[int, Record] = {}
        self.last_sequence = 0
        self.last_heartbeat = 0
        self.peers: list[PeerAddress] = []
        self.heartbeat_reply = HeartbeatReply(next_heartbeat_seconds=15)
        self.faults: defaultdict[str, deque[Fault]] = defaultdict(deque)
        self.always: dict[str, Fault] = {}
        self.port = 0
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def public_key(self) -> bytes:
        return COORDINATOR_KEY.public_key().public_bytes_raw()

    async def __aenter__(self) -> Self:
        """Listen, on the same port as before if it did before."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_exception: object) -> None:
        """Be gone: nobody listens, and open connections break."""
        assert self._server is not None
        self._server.close()
        for connection in self._connections:
            connection.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)
        await self._server.wait_closed()

    def asked(self, path: str) -> int:
        """How many requests came for `/v1/<path>`."""
        return sum(request.path == path for request in self.requests)

    def names(self) -> list[str]:
        """The services that the stored records are of, in the order of their sequences."""
        return [record.service_changed.service for _, record in sorted(self.stored.items())]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._connections.add(task)
        try:
            while await self._answer(reader, writer):
                pass
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # The node hung up.
        finally:
            self._connections.discard(task)
            writer.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Answer one request; whether the connection stays open."""
        first, *lines = (await reader.readuntil(b"\r\n\r\n")).decode().rstrip().split("\r\n")
        headers = dict(line.lower().split(": ", 1) for line in lines)
        body = await reader.readexactly(int(headers["content-length"]))
        path = first.split()[1].removeprefix("/v1/")
        request = Request(path, headers, body, lambda: self._right_answer(path, body))
        self.requests.append(request)
        fault = self.faults[path].popleft() if self.faults[path] else self.always.get(path)
        if fault is not None:
            await fault(request, writer)
            await writer.drain()
            return False
        writer.write(request.answer())
        await writer.drain()
        return True

    def _right_answer(self, path: str, body: bytes) -> bytes:
        signed = parse_signed(body)
        match path:
            case "heartbeat":
                return self._take_heartbeat(open_message("heartbeat", signed, Heartbeat), signed.signature)
            case "telemetry":
                return self._take_batch(open_message("telemetry batch", signed, Batch), signed.signature)
            case "peers":
                open_message("peers request", signed, PeersRequest)
                return signed_answer("peers reply", PeersReply(peers=self.peers), signed.signature)
        raise AssertionError(f"a coordinator has no {path}")

    def _take_heartbeat(self, message: Heartbeat, context: bytes) -> bytes:
        self.heartbeats.append(message)
        if message.sequence <= self.last_heartbeat:
            return refusal(409, "old-sequence", next_sequence=self.last_heartbeat + 1)
        self.last_heartbeat = message.sequence
        reply = HeartbeatReply(received_at_unix_ns=self.clock.now_ns())
        reply.MergeFrom(self.heartbeat_reply)
        return signed_answer("heartbeat reply", reply, context)

    def _take_batch(self, message: Batch, context: bytes) -> bytes:
        self.batches.append(message)
        for record in message.records:
            if record.sequence <= self.last_sequence and self.stored.get(record.sequence) != record:
                return refusal(409, "sequence-conflict", next_sequence=self.last_sequence + 1)
        new = [record for record in message.records if record.sequence > self.last_sequence]
        self.stored |= {record.sequence: record for record in new}
        last = message.records[-1].sequence
        self.last_sequence = max(self.last_sequence, last)
        return signed_answer("telemetry reply", BatchReply(accepted_sequence=last, new_records=len(new)), context)


def signed_answer(purpose: str, reply: Message, context: bytes, key: Ed25519PrivateKey = COORDINATOR_KEY) -> bytes:
    return http_answer(200, sign_message(purpose, reply, key, context=context).SerializeToString())


class WatchedClock(ManualClock):
    """`due` says until when each coroutine that sleeps does so, by the coroutine's name."""

    def __init__(self) -> None:
        super().__init__(NOW_NS)
        self.due: dict[str, float] = {}

    async def sleep(self, seconds: float) -> None:
        task = asyncio.current_task()
        name = getattr(task.get_coro(), "__name__", "") if task is not None else ""
        self.due[name] = self.monotonic() + seconds
        try:
            await super().sleep(seconds)
        finally:
            self.due.pop(name, None)

    async def pause_of(self, name: str) -> float:
        """Seconds for which this coroutine will sleep, once it does."""
        await until(lambda: name in self.due)
        return self.due[name] - self.monotonic()

    async def wake(self, name: str) -> None:
        """Let time pass until this coroutine, once it sleeps, wakes."""
        await self.advance(await self.pause_of(name))

    async def turn_until(self, condition: Callable[[], bool], step_seconds: float = 0.25) -> None:
        """Let time pass, in steps, until the condition holds; a test fails when it does not in ten real seconds."""
        async with asyncio.timeout(10):
            while not condition():
                await self.advance(step_seconds)
                await asyncio.sleep(0.001)


async def until(condition: Callable[[], bool], seconds: float = 10) -> None:
    """Wait until the condition holds; a test fails when it does not in time."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110  (what is waited for has no events)
            await asyncio.sleep(0.001)
