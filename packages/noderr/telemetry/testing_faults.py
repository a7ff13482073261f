"""What can go wrong with a coordinator's answer; each is a `Fault` for `LoopbackCoordinator`."""

from __future__ import annotations

import asyncio

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from google.protobuf.message import Message

from noderr.telemetry.testing import COORDINATOR_KEY, Fault, Request, signed_answer


def says(answer: bytes) -> Fault:
    """These bytes, whatever was asked."""

    async def fault(_request: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(answer)

    return fault


def signs(
    purpose: str, reply: Message, *, key: Ed25519PrivateKey = COORDINATOR_KEY, context: bytes | None = None
) -> Fault:
    """A reply signed by `key` for `purpose`, and for this request unless `context` is that of another."""

    async def fault(request: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(signed_answer(purpose, reply, request.signature if context is None else context, key))

    return fault


def truncates(*, kept: int = -1) -> Fault:
    """The right answer without its end, as its length says; everything else of it is done."""

    async def fault(request: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(request.answer()[:kept])

    return fault


async def loses_answer(request: Request, _writer: asyncio.StreamWriter) -> None:
    """What was asked is done, and the connection breaks before the answer."""
    request.answer()


async def breaks(_request: Request, _writer: asyncio.StreamWriter) -> None:
    """The connection breaks, and nothing was done."""


async def hangs(_request: Request, _writer: asyncio.StreamWriter) -> None:
    """There is never an answer."""
    await asyncio.Event().wait()


async def trickles(_request: Request, writer: asyncio.StreamWriter) -> None:
    """A byte at a time, each well within any time limit for one read, for ever."""
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n")
    while True:
        writer.write(b"x")
        await writer.drain()
        await asyncio.sleep(0.02)


async def floods(_request: Request, writer: asyncio.StreamWriter) -> None:
    """Bytes without an end, and without a length."""
    writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
    while True:
        writer.write(bytes(1 << 16))
        await writer.drain()
