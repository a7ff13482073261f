"""What comes in from peers: one stream of frames after another, each message to its handler, receipts back.

A peer's frames are handled one after the other, over all its streams. What a peer does too much of, or wrong, costs
that peer its message or its stream, and nobody else anything.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import grpc
import structlog
from google.protobuf.message import DecodeError

from noderr.core.peers.caller import Caller, PeerLimits
from noderr.core.peers.credentials import FRAME_MESSAGES
from noderr.core.peers.errors import MessageRefusedError
from noderr.core.peers.receipts import OwedReceipts
from noderr.telemetry import NodeMetrics
from noderr.telemetry.tracing import span
from noderr.types.wire.node_pb2 import Envelope, Frame, Receipts
from noderr.utils import Clock

_log = structlog.get_logger("noderr.core.peers")

_HANDLER_SECONDS = 5.0
_TURN_SECONDS = 0.005
"""After so long with one peer's frame, others get a turn of the loop."""
_LIMITED_SECONDS = 0.1
"""After so long who is over its limits is told so; until then nothing else of it is handled. Without that, a peer that
sends all it can has all of a core kept busy with refusing it.
"""
_CORRELATION_LETTERS = 64
"""So many of a correlation id get into logs and spans, however long it is."""
_LAST_SECONDS = 1.0
"""So long a stream that ends waits for its peer to read the last receipts."""

type Handler = Callable[[str, bytes], Awaitable[None]]
"""Takes the sender's node id and the payload. Returning acknowledges; `MessageRefusedError` refuses with its text."""

type Context = grpc.aio.ServicerContext[Frame, Receipts]


class CallEndedError(Exception):
    """We end a call; the peer is told `code` and the text."""

    def __init__(self, code: grpc.StatusCode, text: str) -> None:
        self.code = code
        super().__init__(text)


class _Refused(Exception):
    """One message is refused."""

    def __init__(self, code: grpc.StatusCode, text: str, outcome: str = "refused") -> None:
        self.code = code
        self.outcome = outcome
        super().__init__(text)


class IncomingStreams:
    """The streams of all peers."""

    def __init__(self, limits: PeerLimits, metrics: NodeMetrics, clock: Clock) -> None:
        self.handlers: dict[str, Handler] = {}
        self._limits = limits
        self._metrics = metrics
        self._clock = clock
        self._callers: dict[bytes, Caller] = {}
        self._closed = False

    def open(self) -> None:
        self._closed = False

    def close(self) -> None:
        """End all streams, and take no new ones."""
        self._closed = True
        self.keep(lambda _public_key: False)

    def keep(self, is_peer: Callable[[bytes], bool]) -> None:
        """End the streams of those that are peers no more."""
        for public_key in [key for key in self._callers if not is_peer(key)]:
            for stream in self._callers.pop(public_key).streams:
                stream.cancel()

    async def admit(self, public_key: bytes, length: int = 0) -> None:
        """A call of so many bytes counts against its peer's limits. Raises `CallEndedError` for what is too much."""
        caller = self._caller(public_key)
        if not caller.may_send(length):
            caller.count("limited")
            async with caller.turn:
                await self._clock.sleep(_LIMITED_SECONDS)
            raise CallEndedError(grpc.StatusCode.RESOURCE_EXHAUSTED, "too many calls: call less, or later")

    async def serve(self, public_key: bytes, context: Context) -> None:
        """Handle what comes until the peer ends the stream. Raises `CallEndedError` when we do."""
        if self._closed:
            raise CallEndedError(grpc.StatusCode.UNAVAILABLE, "this node stops")
        caller = self._caller(public_key)
        if len(caller.streams) >= self._limits.at_once:
            caller.count("limited")
            raise CallEndedError(grpc.StatusCode.RESOURCE_EXHAUSTED, "too many streams: one is enough")
        stream = asyncio.create_task(self._handle_all(caller, context), name=f"stream of peer {caller.node_id}")
        caller.streams.add(stream)
        try:
            await asyncio.wait({stream})
        finally:
            caller.streams.discard(stream)
            stream.cancel()
            await asyncio.gather(stream, return_exceptions=True)
        if stream.cancelled():
            raise CallEndedError(grpc.StatusCode.UNAVAILABLE, "this node stops, or its list of peers changes")
        stream.result()

    def _caller(self, public_key: bytes) -> Caller:
        caller = self._callers.get(public_key)
        if caller is None:
            caller = self._callers[public_key] = Caller(public_key, self._limits, self._metrics, self._clock)
        return caller

    async def _handle_all(self, caller: Caller, context: Context) -> None:
        structlog.contextvars.bind_contextvars(peer=caller.node_id)  # The task's own context ends with it.
        receipts = OwedReceipts(context.write)
        writing = asyncio.create_task(receipts.run(), name=f"receipts for peer {caller.node_id}")
        try:
            while not writing.done() and (frame := await context.read()) is not grpc.aio.EOF:  # type: ignore[comparison-overlap]
                if not 0 < len(frame.messages) <= FRAME_MESSAGES:
                    caller.count("refused")
                    raise CallEndedError(
                        grpc.StatusCode.INVALID_ARGUMENT,
                        f"a frame of {len(frame.messages)} messages: from 1 to {FRAME_MESSAGES} may be",
                    )
                async with caller.turn:
                    await self._handle_frame(caller, frame, receipts)
                await receipts.room()
        except DecodeError as error:
            raise CallEndedError(grpc.StatusCode.INVALID_ARGUMENT, "what came is no frame") from error
        finally:
            failure = await _end_writing(receipts, writing)
        if failure is not None:
            raise failure

    async def _handle_frame(self, caller: Caller, frame: Frame, receipts: OwedReceipts) -> None:
        began = self._clock.monotonic()
        limited = False
        for envelope in frame.messages:
            try:
                handling = self._begin(caller, envelope)
                if not handling.done():
                    # Those before it must not wait with it for their receipts.
                    receipts.owe(prompt=frame.prompt)
                    await _wait(handling)
                _check(handling, caller, envelope)
            except _Refused as refused:
                caller.count(refused.outcome)
                limited |= refused.outcome == "limited"
                receipts.refuse(refused.code.value[0], str(refused))
            else:
                caller.count("taken")
            receipts.handled += 1
            if (now := self._clock.monotonic()) - began > _TURN_SECONDS:
                began = now
                await asyncio.sleep(0)
        receipts.owe(prompt=frame.prompt)
        if limited:
            await self._clock.sleep(_LIMITED_SECONDS)

    def _begin(self, caller: Caller, envelope: Envelope) -> asyncio.Task[None]:
        """Most handlers never wait, and have done all in here. Raises `_Refused`."""
        topic, payload, correlation_id = envelope.topic, envelope.payload, envelope.correlation_id
        if not caller.may_send(len(topic) + len(payload) + len(correlation_id)):
            raise _Refused(
                grpc.StatusCode.RESOURCE_EXHAUSTED, "too many messages: send less, or later", outcome="limited"
            )
        handler = self.handlers.get(topic)
        if handler is None:
            raise _Refused(grpc.StatusCode.UNIMPLEMENTED, f"nothing here takes topic {topic[:64]!r}")
        work = _handle(handler, caller.node_id, topic, payload, correlation_id[:_CORRELATION_LETTERS])
        return asyncio.Task(work, loop=asyncio.get_running_loop(), eager_start=True)


async def _end_writing(receipts: OwedReceipts, writing: asyncio.Task[None]) -> BaseException | None:
    """Tell what is owed; returns why that failed. gRPC refuses to end a stream to which something is being written, and
    its peer would wait for ever: so a write is cut off only where the peer does not read.
    """
    try:
        async with asyncio.timeout(_LAST_SECONDS):
            await receipts.flush()
    except TimeoutError:
        _log.warning("peer_receipts_unread")
    finally:
        writing.cancel()
        await asyncio.wait({writing})
    return None if writing.cancelled() else writing.exception()


async def _handle(handler: Handler, sender: str, topic: str, payload: bytes, correlation_id: str) -> None:
    if correlation_id:
        structlog.contextvars.bind_contextvars(correlation_id=correlation_id)
    with span("peer.message", peer=sender, topic=topic, correlation_id=correlation_id):
        await handler(sender, payload)


async def _wait(handling: asyncio.Task[None]) -> None:
    """Until the handler is done, or has had its time."""
    try:
        await asyncio.wait({handling}, timeout=_HANDLER_SECONDS)
    finally:
        if not handling.done():
            handling.cancel()
            await asyncio.gather(handling, return_exceptions=True)


def _check(handling: asyncio.Task[None], caller: Caller, envelope: Envelope) -> None:
    """Raises `_Refused` when the handler did not take the message."""
    if handling.cancelled():
        raise _Refused(grpc.StatusCode.DEADLINE_EXCEEDED, "the handler took too long")
    match handling.exception():
        case None:
            return
        case MessageRefusedError() as error:
            raise _Refused(grpc.StatusCode.INVALID_ARGUMENT, str(error))
        case error:  # The peer learns no inner detail; the log does.
            _log.error("peer_handler_failed", peer=caller.node_id, topic=envelope.topic, exc_info=error)
            raise _Refused(grpc.StatusCode.INTERNAL, "the handler failed")
