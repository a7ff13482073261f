"""One HTTP connection: uvicorn's, with bounds on the time and the memory that a client can take."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, ClassVar

import httptools
import msgspec
from uvicorn._types import ASGI3Application
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from noderr.core.http_limits import NEVER, ConnectionWatch, Cut

_PIECE_BYTES = 2048
"""What the parser gets at once. A request takes a hundred times more memory parsed than it has bytes."""


def watched_by(watch: ConnectionWatch) -> type[HttpConnection]:
    """The protocol for `uvicorn.Config(http=…)`, which makes the connections itself."""

    class Connection(HttpConnection):
        _watch = watch

    return Connection


class _Flow(FlowControl):
    """Reading goes on only when nothing that was read waits to be parsed, whoever asks."""

    def __init__(self, transport: asyncio.Transport, may_read: Callable[[], bool]) -> None:
        super().__init__(transport)
        self._may_read = may_read

    def resume_reading(self) -> None:
        if self.read_paused and self._may_read():
            super().resume_reading()


class HttpConnection(HttpToolsProtocol):
    """Instead of a timer for each request there is the time since which we wait, which the watch looks at."""

    _watch: ClassVar[ConnectionWatch]
    cycle: RequestResponseCycle | None  # type: ignore[assignment]  # uvicorn has None too, and does not say it.

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._limits = self._watch.limits
        self._since = NEVER  # When what we wait for began: the rest of a head or a body, or a request at all.
        self._limit_seconds = self._limits.head_seconds
        self._unread_since = NEVER
        self._head_begun = False
        self._in_body = False
        self._timed = True
        self._piece_bytes = 0
        self._unclaimed_bytes = 0  # Read since the last that the application gets: a head, or a body's framing.
        self._unparsed = b""
        self._deaf = False
        self._answered: RequestResponseCycle | None = None

    # What the transport calls.

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.flow = _Flow(transport, self._may_read)
        if self._watch.admit(self):
            self._since = self.loop.time()
        else:
            self._refuse(503, "too many connections")

    def connection_lost(self, exc: Exception | None) -> None:
        self._watch.ended(self)
        super().connection_lost(exc)
        # For uvicorn the client of the last request is gone, and it may be an earlier one that is being answered.
        if self._answered is not None and not self._answered.response_complete:
            self._answered.disconnected = True
            self._answered.message_event.set()
        # These hold the connection, and it them: without this they would wait for the garbage collector.
        self.pipeline.clear()
        self.cycle = self._answered = None
        self._unparsed = b""

    def data_received(self, data: bytes) -> None:
        if not self._unparsed and len(data) <= _PIECE_BYTES:
            self._parse(data)
        else:
            self._unparsed += data
            self._parse_more()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._unread_since = self.loop.time()

    def resume_writing(self) -> None:
        super().resume_writing()
        self._unread_since = NEVER

    # What the parser calls.

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._head_begun = True
        self._unclaimed_bytes = self._piece_bytes
        self._timed = self.cycle is None  # The first has the time since the connection was made.

    def on_headers_complete(self) -> None:
        if self._deaf:
            return
        self._head_begun = False
        if self._unclaimed_bytes > self._limits.head_bytes and self._parsed_head_bytes() > self._limits.head_bytes:
            self._cut(Cut.LARGE_HEAD)
            return
        super().on_headers_complete()
        self._in_body = True
        self._unclaimed_bytes = self._piece_bytes
        self._timed = False

    def on_body(self, body: bytes) -> None:
        if not self._deaf:
            self._unclaimed_bytes = self._piece_bytes
            super().on_body(body)

    def on_message_complete(self) -> None:
        if self._deaf:
            return
        super().on_message_complete()
        self._in_body = False
        if self._answering:
            self._since = NEVER
        else:
            self._await(self._limits.keep_alive_seconds)

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        self._answered = cycle
        super()._start_asgi_task(cycle, app)

    # What the cycle of request and answer calls.

    def on_response_complete(self) -> None:
        """In place of uvicorn's, which reads on after each answer however many requests wait already."""
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        if self.pipeline:
            cycle, app = self.pipeline.pop()
            self._start_asgi_task(cycle, app)
            self._parse_more()  # The rest of its body may be in what was read.
            return
        if not self._in_body:  # What is left of a body that nobody wanted must still come to its end.
            self._await(self._limits.head_seconds if self._head_begun else self._limits.keep_alive_seconds)
        if self._unparsed:
            self._parse_more()
        self.flow.resume_reading()

    # What the watch calls.

    @property
    def waiting_since(self) -> float:
        return min(self._since, self._unread_since)

    def cut_if_late(self, now: float) -> None:
        if now >= self._unread_since + self._limits.unread_seconds:
            self._watch.count(Cut.UNREAD_ANSWER)
            self.abort()
        elif self.transport.is_closing():  # It ends when the client has taken what is left for it.
            self._unread_since = min(self._unread_since, now)
        elif now < self._since + self._limit_seconds:
            pass
        elif self.flow.read_paused:  # It is we who are late.
            self._since = now
        elif self._in_body:
            self._cut(Cut.SLOW_BODY)
        elif self._head_begun:
            self._cut(Cut.SLOW_HEAD)
        else:
            if self.cycle is None:  # One that is idle after an answer loses nothing.
                self._watch.count(Cut.SLOW_HEAD)
            self.transport.close()

    def abort(self) -> None:
        self.transport.abort()

    @property
    def _answering(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def _may_read(self) -> bool:
        return not self.pipeline and not self._unparsed and not self.transport.is_closing()

    def _await(self, seconds: float) -> None:
        self._since = self.loop.time()
        self._limit_seconds = seconds

    def _parse_more(self) -> None:
        """Parse what was read, as long as no request waits behind another."""
        data, start = self._unparsed, 0
        while start < len(data) and not self.pipeline and not self._deaf:
            self._parse(data[start : start + _PIECE_BYTES])
            start += _PIECE_BYTES
        self._unparsed = b"" if self._deaf else data[start:]
        if self._unparsed:
            self.flow.pause_reading()

    def _parse(self, piece: bytes) -> None:
        if self._deaf:
            return
        self._piece_bytes = len(piece)
        self._unclaimed_bytes += len(piece)
        try:
            self.parser.feed_data(piece)
        except httptools.HttpParserUpgrade:
            # We speak nothing else. The request is answered, and what follows could be in any protocol.
            self._end_after_answer()
        except httptools.HttpParserError:
            if not self._deaf:
                self._cut(Cut.MALFORMED)
        else:
            if self._unclaimed_bytes > self._limits.head_bytes and not self._deaf:
                self._cut(Cut.LARGE_HEAD)
            elif not self._timed:
                self._await_rest()

    def _await_rest(self) -> None:
        """The time for what has only begun to come; most requests come whole."""
        if self._in_body:
            self._timed = True
            self._await(self._limits.body_seconds)
        elif self._head_begun and not self._answering:
            self._timed = True
            self._await(self._limits.head_seconds)

    def _parsed_head_bytes(self) -> int:
        return len(self.url) + sum(len(name) + len(value) + len(": \r\n") for name, value in self.headers)

    def _end_after_answer(self) -> None:
        self._deaf = True
        if self.cycle is not None:
            self.cycle.keep_alive = False

    def _cut(self, reason: Cut) -> None:
        """End the connection; say why, where an answer can still be given."""
        self._watch.count(reason)
        if self._in_body and self.cycle is not None:
            self._deaf = True
            self.cycle.disconnected = True  # For the application the client is gone.
            self.cycle.message_event.set()
            if self.pipeline or self.cycle.response_started:
                self.transport.close()
                return
        elif self._answering:
            self._end_after_answer()
            return
        self._refuse(*_ANSWERS[reason])

    def _refuse(self, status: int, message: str) -> None:
        self._deaf = True
        body = msgspec.json.encode({"error": message})
        head = b"content-type: application/json\r\ncontent-length: %d\r\nconnection: close\r\n\r\n" % len(body)
        dates = b"".join(b"%b: %b\r\n" % header for header in self.server_state.default_headers)
        self.transport.write(STATUS_LINE[status] + dates + head + body)
        self.transport.close()


_ANSWERS = {
    Cut.SLOW_HEAD: (408, "the request's head did not arrive in time"),
    Cut.SLOW_BODY: (408, "the request's body did not arrive in time"),
    Cut.LARGE_HEAD: (431, "the request's head is too large"),
    Cut.MALFORMED: (400, "this is no HTTP request"),
}
