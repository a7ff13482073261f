"""What goes out to one peer over one stream: frames of what waits, and receipts that come back in the same order."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

import grpc

from noderr.core.peers.credentials import FRAME_MESSAGES, MAX_MESSAGE_BYTES
from noderr.core.peers.errors import DeliveryTimeoutError, PeerError, PeerRefusedError, PeerUnavailableError
from noderr.types.wire.node_pb2 import Envelope, Frame, Receipts, Refusal

# A peer gives its handlers five seconds; what it says after that needs some time too.
_SILENT_SECONDS = 8.0
_IN_FLIGHT = 256
# What a message takes of a frame besides itself: a tag and its length.
_MESSAGE_BYTES = 6
# The other side said no, and does so again however often it is asked.
_REFUSALS = frozenset(
    {
        grpc.StatusCode.INVALID_ARGUMENT,
        grpc.StatusCode.UNIMPLEMENTED,
        grpc.StatusCode.UNAUTHENTICATED,
        grpc.StatusCode.PERMISSION_DENIED,
        grpc.StatusCode.RESOURCE_EXHAUSTED,
        grpc.StatusCode.INTERNAL,
    }
)
_CODES: dict[int, grpc.StatusCode] = {code.value[0]: code for code in grpc.StatusCode}

type Call = grpc.aio.StreamStreamCall[Frame, Receipts]


@dataclass(slots=True, eq=False)
class Outgoing:
    """A message that waits; `done`, when somebody waits for its receipt."""

    envelope: Envelope
    size: int
    done: asyncio.Future[None] | None


def frame_bytes(envelope: Envelope) -> int:
    """What the message takes of a frame."""
    return envelope.ByteSize() + _MESSAGE_BYTES


def words(error: grpc.aio.AioRpcError) -> str:
    return f"{error.code().name.lower().replace('_', ' ')}: {(error.details() or 'no detail')[:200]}"


class _SenselessReceiptsError(Exception):
    """The peer acknowledges what it was not sent, or says what nobody understands."""


class OutgoingStream:
    """One call, from its first message to its end. `finish` is told once what became of each message taken from
    `queue`, and `answered` when the peer has answered at all.
    """

    def __init__(
        self,
        peer: str,
        call: Call,
        queue: deque[Outgoing],
        *,
        finish: Callable[[Outgoing, PeerError | None], None],
        answered: Callable[[], None],
    ) -> None:
        self._peer = peer
        self._call = call
        self._queue = queue
        self._finish = finish
        self._answered = answered
        self._in_flight: deque[Outgoing] = deque()
        self._through = 0
        self._wake = asyncio.Event()
        self._ending = False
        self._silent = False
        self._progress_at = 0.0
        self._timer: asyncio.TimerHandle

    def wake(self) -> None:
        """There is something in the queue."""
        self._wake.set()

    def end(self) -> None:
        """Take no more from the queue, wait for what is under way, and end."""
        self._ending = True
        self._wake.set()

    async def run(self) -> PeerError | None:
        """Send until the stream ends, and return why, if it was not told to."""
        loop = asyncio.get_running_loop()
        writing, reading = loop.create_task(self._write_all()), loop.create_task(self._read_all())
        self._progress_at = loop.time()
        self._timer = loop.call_later(_SILENT_SECONDS, self._watch)
        failure: PeerError | None = PeerUnavailableError(f"peer {self._peer}: the link is closed")
        try:
            # Whatever ends the call, the reader is told; a write that fails only says that it is over.
            await asyncio.wait({reading})
            failure = self._why(reading)
        finally:
            self._timer.cancel()
            self._call.cancel()
            writing.cancel()
            reading.cancel()
            await asyncio.gather(writing, reading, return_exceptions=True)
            lost = failure or PeerUnavailableError(f"peer {self._peer} ended the stream")
            while self._in_flight:
                self._finish(self._in_flight.popleft(), lost)
        return failure

    async def _write_all(self) -> None:
        while not self._ending:
            self._wake.clear()
            frame = self._next_frame()
            if frame is None:
                await self._wake.wait()
            else:
                await self._call.write(frame)
        await self._call.done_writing()

    def _next_frame(self) -> Frame | None:
        queue, room = self._queue, min(FRAME_MESSAGES, _IN_FLIGHT - len(self._in_flight))
        if not queue or room <= 0:
            return None
        if not self._in_flight:
            self._progress_at = asyncio.get_running_loop().time()
        taken = [queue.popleft()]
        size = taken[0].size
        while queue and len(taken) < room and size + queue[0].size <= MAX_MESSAGE_BYTES:
            taken.append(queue.popleft())
            size += taken[-1].size
        self._in_flight.extend(taken)
        # A window that fills up has to be emptied, or nothing more goes out.
        prompt = 2 * len(self._in_flight) > _IN_FLIGHT or any(one.done is not None for one in taken)
        return Frame(messages=[one.envelope for one in taken], prompt=prompt)

    async def _read_all(self) -> None:
        while (receipts := await self._call.read()) is not grpc.aio.EOF:
            if not isinstance(receipts, Receipts):  # gRPC's client gives None for what cannot be parsed.
                raise _SenselessReceiptsError("what came is no receipts")
            self._take(receipts)

    def _take(self, receipts: Receipts) -> None:
        """Tell those that are receipted. Raises `_SenselessReceiptsError`."""
        count = receipts.through - self._through
        if not 0 < count <= len(self._in_flight):
            raise _SenselessReceiptsError(f"of message {receipts.through}, and {self._through} had receipts before")
        refused = {one.number: one for one in receipts.refused} if receipts.refused else {}
        if len(refused) != len(receipts.refused) or not all(
            self._through < number <= receipts.through for number in refused
        ):
            raise _SenselessReceiptsError("it refuses messages that these receipts are not of")
        if self._through == 0:
            self._answered()
        self._progress_at = asyncio.get_running_loop().time()
        if len(self._in_flight) == _IN_FLIGHT:
            self._wake.set()
        for number in range(self._through + 1, receipts.through + 1):
            refusal = refused.get(number)
            self._finish(self._in_flight.popleft(), None if refusal is None else self._refused(refusal))
        self._through = receipts.through

    def _refused(self, refusal: Refusal) -> PeerError:
        code = _CODES.get(refusal.code, grpc.StatusCode.UNKNOWN)
        if code is grpc.StatusCode.DEADLINE_EXCEEDED:
            return self._late()
        return PeerRefusedError(self._peer, code.name, refusal.detail)

    def _late(self) -> DeliveryTimeoutError:
        return DeliveryTimeoutError(f"peer {self._peer} did not take it in time; it may have got it")

    def _watch(self) -> None:
        """Ends a call whose peer says nothing while it owes receipts."""
        loop = asyncio.get_running_loop()
        due = self._progress_at + _SILENT_SECONDS if self._in_flight else loop.time() + _SILENT_SECONDS
        if due > loop.time():
            self._timer = loop.call_at(due, self._watch)
        else:
            self._silent = True
            self._call.cancel()

    def _why(self, reading: asyncio.Task[None]) -> PeerError | None:
        if self._silent:
            return self._late()
        if reading.cancelled():
            return PeerUnavailableError(f"peer {self._peer}: the link is closed")
        match reading.exception():
            case None:
                return None if self._ending else PeerUnavailableError(f"peer {self._peer} ended the stream")
            case grpc.aio.AioRpcError() as error if error.code() in _REFUSALS:
                return PeerRefusedError(self._peer, error.code().name, error.details() or "")
            case grpc.aio.AioRpcError() as error:
                return PeerUnavailableError(f"peer {self._peer}: {words(error)}")
            case _SenselessReceiptsError() as error:
                return PeerUnavailableError(f"peer {self._peer} sends receipts without sense: {error}")
            case error:
                raise error
