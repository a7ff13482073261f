"""For tests: an HTTP server on loopback that a venue's rules run on, with faults before and after it acts."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Protocol
from urllib.parse import parse_qsl

from noderr.types.trading import Order, OrderType, Side, TimeInForce

T0 = 1_700_000_000_000_000_000
type Answer = tuple[int, Any]
"""A status, and what goes out as JSON; bytes go out as they are."""


class JumpingClock:
    """Sleeping takes no time and is over at once."""

    def __init__(self) -> None:
        self.elapsed_ns = 0

    def now_ns(self) -> int:
        return T0 + self.elapsed_ns

    def monotonic(self) -> float:
        return self.elapsed_ns / 1e9

    async def sleep(self, seconds: float) -> None:
        self.elapsed_ns += round(seconds * 1e9)
        await asyncio.sleep(0)


@dataclass(frozen=True, slots=True)
class Request:
    method: str
    path: str
    query: str
    body: str
    headers: Mapping[str, str]

    @property
    def values(self) -> dict[str, str]:
        return dict(parse_qsl(self.query + "&" + self.body, keep_blank_values=True))


@dataclass(frozen=True, slots=True)
class Fault:
    """What happens to one request: whether the venue acts on it, what it answers in place of the truth, or nothing."""

    acts: bool
    answer: Answer | None = None
    silent: bool = False


@dataclass(slots=True)
class Listed:
    """An order in the venue's own books."""

    number: int
    client_id: str
    side: str
    kind: str
    tif: str
    quantity: Decimal
    price: Decimal | None
    status: str = "open"
    expires: str = "0"
    trades: list[tuple[int, Decimal, Decimal]] = field(default_factory=list)
    """Number, price and quantity."""

    @property
    def filled(self) -> Decimal:
        return sum((quantity for _, _, quantity in self.trades), Decimal(0))


class VenueServer(Protocol):
    """A venue. `refuse` and `faults` go by the last part of the path, and are used up."""

    name: str
    orders: list[Listed]
    requests: list[Request]
    faults: dict[str, list[Fault]]
    create_path: str
    symbol: str

    def answer(self, request: Request) -> Answer: ...

    def urls(self, base: str) -> Mapping[str, str]: ...


class Books:
    """What both venues keep."""

    def __init__(self) -> None:
        self.orders: list[Listed] = []
        self.requests: list[Request] = []
        self.faults: dict[str, list[Fault]] = {}
        self._trade_numbers = 900

    def fill(self, order: Listed, quantity: str, price: str) -> None:
        self._trade_numbers += 1
        order.trades.append((self._trade_numbers, Decimal(price), Decimal(quantity)))
        if order.filled == order.quantity:
            order.status = "filled"

    def open_order(self, client_id: str) -> Listed | None:
        return next((one for one in self.orders if one.client_id == client_id and one.status == "open"), None)


@contextlib.asynccontextmanager
async def serving(venue: VenueServer) -> AsyncIterator[Mapping[str, str]]:
    """The venue's addresses for ccxt. What its rules raise is raised here."""
    failures: list[Exception] = []

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            request = await _read(reader)
            venue.requests.append(request)
            waiting = venue.faults.get(request.path.rpartition("/")[2], [])
            fault = waiting.pop(0) if waiting else Fault(acts=True)
            answer = fault.answer
            try:
                if fault.acts:
                    truth = venue.answer(request)
                    answer = answer or truth
            except Exception as error:
                failures.append(error)
            if fault.silent:
                answer = None
            if answer is None:
                await reader.read()  # Until the other side has had enough.
            else:
                writer.write(_response(*answer))
                await writer.drain()
        writer.close()

    async with await asyncio.start_server(handle, "127.0.0.1", 0) as server:
        yield venue.urls(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
    if failures:
        raise failures[0]


async def _read(reader: asyncio.StreamReader) -> Request:
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    first, *lines = head.splitlines()
    headers = {
        name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines if line)
    }
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    method, target, _ = first.split(" ")
    path, _, query = target.partition("?")
    return Request(method, path, query, body.decode(), headers)


def _response(status: int, said: Any) -> bytes:
    body = said if isinstance(said, bytes) else json.dumps(said).encode()
    kind = "text/html" if isinstance(said, bytes) else "application/json"
    head = [f"HTTP/1.1 {status} Answer", f"Content-Type: {kind}", f"Content-Length: {len(body)}"]
    if status in (418, 429):
        head.append("Retry-After: 30")
    return "\r\n".join([*head, "Connection: close", "", ""]).encode() + body


def order(
    number: int,
    symbol: str,
    side: Side = Side.BUY,
    quantity: str = "0.5",
    limit: str | None = "20000",
    *,
    tif: TimeInForce | None = None,
    expires_at_ns: int | None = None,
) -> Order:
    """A limit order that rests, or a market order."""
    default = TimeInForce.IOC if limit is None else TimeInForce.GTC
    return Order(
        client_order_id=f"00000000-0000-8000-8000-{number:012d}",
        symbol=symbol,
        side=side,
        type=OrderType.MARKET if limit is None else OrderType.LIMIT,
        quantity=Decimal(quantity),
        limit_price=None if limit is None else Decimal(limit),
        time_in_force=tif or default,
        expires_at_ns=expires_at_ns,
        created_at_ns=T0,
    )
