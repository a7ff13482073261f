"""One answer within its limits, from servers on loopback that flood, trickle, hang, send elsewhere, break and lie."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import socket
import time
from collections.abc import AsyncIterator

import httpx
import pytest

from noderr.utils import HttpAnswerError
from noderr.utils.bounded_http import BoundedHttp, open_http, origin

MAX_BYTES = 1000
SECONDS = 10.0
HASTY_SECONDS = 0.4
"""Only for those that are slow on purpose: a busy machine must not make an honest server late."""
SECRET = "/v3/0123456789abcdef"
OK = b"HTTP/1.1 200 OK\r\n"
ENDLESS = OK + b"Content-Length: 9000000000\r\n\r\n"


class Server:
    """Answers everybody with `first`, then with `again` every so many seconds for as long as they stay."""

    def __init__(self) -> None:
        self.first, self.again, self.every_seconds = b"", b"", 0.01
        self.then_hang = False
        self.asked: list[bytes] = []
        self.written = 0
        self.url = ""

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):  # Who asked has left, as it should.
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0] or 0)
            self.asked.append(head + await reader.readexactly(length))
            writer.write(self.first)
            await writer.drain()
            while self.again:
                writer.write(self.again)
                await writer.drain()
                self.written += len(self.again)
                await asyncio.sleep(self.every_seconds)
            if self.then_hang:
                await reader.read()
        writer.close()


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    one = Server()
    async with await asyncio.start_server(one.handle, "127.0.0.1", 0) as listening:
        one.url = f"http://user:word@127.0.0.1:{listening.sockets[0].getsockname()[1]}{SECRET}"
        yield one


@pytest.fixture
async def http() -> AsyncIterator[BoundedHttp]:
    one = BoundedHttp(open_http(), timeout_seconds=SECONDS, max_bytes=MAX_BYTES)
    yield one
    await one.close()


@pytest.fixture
async def hasty() -> AsyncIterator[BoundedHttp]:
    one = BoundedHttp(open_http(), timeout_seconds=HASTY_SECONDS, max_bytes=MAX_BYTES)
    yield one
    await one.close()


def answer(body: bytes, status: str = "200 OK", *headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


async def refused(http: BoundedHttp, url: str, *, status: int | None = None) -> HttpAnswerError:
    with pytest.raises(HttpAnswerError) as caught:
        await http.ask(url, status=status)
    error = caught.value
    assert error.name == origin(httpx.URL(url))
    assert str(error) == f"{error.name} {error.reason}: {error.remedy}"
    assert "0123456789abcdef" not in str(error), "an address may hold a key"
    assert "word" not in str(error)
    return error


async def test_it_gets_and_posts_and_wants_no_compression(server: Server, http: BoundedHttp) -> None:
    server.first = answer(b"x" * MAX_BYTES, "200 OK", "Retry-After: 7")
    got = await http.ask(server.url)
    assert (got.status, got.headers["RETRY-AFTER"], got.body) == (200, "7", b"x" * MAX_BYTES)
    await http.ask(server.url, b"{}", "application/json", status=200)
    get, post = server.asked
    assert get.startswith(f"GET {SECRET} HTTP/1.1\r\n".encode())
    assert b"content-type" not in get.lower()
    assert post.startswith(f"POST {SECRET} HTTP/1.1\r\n".encode())
    assert b"content-type: application/json\r\n" in post.lower()
    assert post.endswith(b"\r\n\r\n{}")
    for one in (get, post):
        assert b"accept-encoding: identity\r\n" in one.lower()


@pytest.mark.parametrize(
    "head",
    [b"Content-Length: 1001\r\n\r\n", b"Connection: close\r\n\r\n", b"Transfer-Encoding: chunked\r\n\r\n3e9\r\n"],
)
async def test_a_byte_too_many_is_refused(server: Server, http: BoundedHttp, head: bytes) -> None:
    server.first = OK + head + b"x" * (MAX_BYTES + 1)
    assert (await refused(http, server.url)).reason == "answers with more than 1000 bytes"


async def test_an_answer_without_end_is_left_at_its_limit(server: Server, http: BoundedHttp) -> None:
    server.first, server.again = ENDLESS, b"x" * 100
    assert (await refused(http, server.url)).reason == "answers with more than 1000 bytes"
    assert server.written < 100 * MAX_BYTES


async def test_what_is_compressed_all_the_same_is_never_unpacked(server: Server, http: BoundedHttp) -> None:
    bomb = gzip.compress(bytes(100 * MAX_BYTES))
    server.first = answer(bomb, "200 OK", "Content-Encoding: gzip")
    assert (await http.ask(server.url)).body == bomb


@pytest.mark.parametrize("first", [b"", OK, OK + b"X: y\r\n", ENDLESS], ids=["nothing", "status", "head", "body"])
@pytest.mark.parametrize("again", [b"", b"y"], ids=["hangs", "trickles"])
async def test_who_is_slow_is_left_on_time(server: Server, hasty: BoundedHttp, first: bytes, again: bytes) -> None:
    server.first, server.again, server.then_hang, server.every_seconds = first, again, True, HASTY_SECONDS / 8
    began = time.monotonic()
    assert (await refused(hasty, server.url)).reason == "does not answer within 0.4 s"
    assert time.monotonic() - began < HASTY_SECONDS + 2


async def test_a_wrong_status_is_refused_unread_where_one_is_right(server: Server, http: BoundedHttp) -> None:
    server.first, server.again = b"HTTP/1.1 503 So\r\nContent-Length: 9000000000\r\n\r\n", b"x" * 100
    error = await refused(http, server.url, status=200)
    assert error.reason == "answers 503"
    assert "only 200 counts" in error.remedy


async def test_any_status_is_an_answer_where_none_is_right(server: Server, http: BoundedHttp) -> None:
    server.first = answer(b"slow down", "429 Too Many Requests")
    got = await http.ask(server.url)
    assert (got.status, got.body) == (429, b"slow down")


@pytest.mark.parametrize(
    ("said", "seconds"),
    [("7", 7), ("100001", 100_000), ("9" * 400, 100_000), ("soon", 0), ("-7", 0), ("", 0), ("1.5", 0), ("²", 0)],
)
async def test_how_long_it_asks_to_wait(server: Server, http: BoundedHttp, said: str, seconds: float) -> None:
    server.first = answer(b"", "429 So", f"Retry-After: {said}")
    assert (await http.ask(server.url)).retry_seconds == seconds
    server.first = answer(b"", "429 So")
    assert (await http.ask(server.url)).retry_seconds == 0


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "307 Temporary", "308 Permanent"])
async def test_a_redirection_is_not_followed_even_by_a_client_that_would(server: Server, status: str) -> None:
    server.first = answer(b"", status, f"Location: {server.url}/elsewhere")
    async with httpx.AsyncClient(follow_redirects=True, trust_env=False) as client:
        http = BoundedHttp(client, timeout_seconds=SECONDS, max_bytes=MAX_BYTES)
        assert (await http.ask(server.url)).status == int(status[:3])
        assert (await refused(http, server.url, status=200)).reason == f"answers {status[:3]}"
    assert len(server.asked) == 2


@pytest.mark.parametrize("port", ["65536", "b", "1:1"])
async def test_where_it_redirects_to_may_be_nonsense(server: Server, http: BoundedHttp, port: str) -> None:
    server.first = answer(b"", "302 Found", f"Location: x:{port}")
    assert "does not answer: " in (await refused(http, server.url)).reason


async def test_an_answer_has_no_say_in_the_next_request(server: Server, http: BoundedHttp) -> None:
    server.first = answer(b"", "200 OK", "Set-Cookie: one=1", "Set-Cookie: two=ä")
    for _ in range(2):
        await http.ask(server.url)
    assert len(server.asked) == 2
    assert b"cookie" not in server.asked[1].lower()


@pytest.mark.parametrize(
    "first",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"SSH-2.0-x\r\n", id="another protocol"),
        pytest.param(b"\x16\x03\x01" * 100 + b"\r\n\r\n", id="TLS"),
        pytest.param(OK + b"X: " + b"y" * 300_000, id="a head without end"),
        pytest.param(b"HTTP/1.1 100 Continue\r\n\r\n" * 1000, id="only promises"),
        pytest.param(OK + b"Content-Length: ten\r\n\r\nx", id="length in words"),
        pytest.param(OK + b"Content-Length: -1\r\n\r\nx", id="length below nothing"),
        pytest.param(OK + b"Content-Length: " + b"9" * 5000 + b"\r\n\r\nx", id="length without end"),
        pytest.param(OK + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nxx", id="two lengths"),
        pytest.param(OK + b"Content-Length: 10\r\n\r\nx", id="cut"),
        pytest.param(OK + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n", id="no chunk"),
        pytest.param(OK + b"Transfer-Encoding: chunked\r\n\r\n4\r\nx", id="half a chunk"),
    ],
)
async def test_what_is_no_whole_answer_is_none(server: Server, http: BoundedHttp, first: bytes) -> None:
    server.first = first
    error = await refused(http, server.url)
    assert error.reason.startswith("does not answer: RemoteProtocolError: ")
    assert len(str(error)) < 400


async def test_nobody_listens(http: BoundedHttp) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # Bound and not listening: connections are refused.
        error = await refused(http, f"http://127.0.0.1:{taken.getsockname()[1]}{SECRET}")
    assert error.reason.startswith("does not answer: ConnectError")
    assert error.remedy == "check the address and the network"


async def test_who_asks_may_name_it(server: Server, hasty: BoundedHttp) -> None:
    server.then_hang = True
    with pytest.raises(HttpAnswerError, match=r"^the mirror does not answer within 0\.4 s: ask again later$"):
        await hasty.ask(server.url, name="the mirror")


async def test_who_asks_may_leave(server: Server, http: BoundedHttp) -> None:
    server.then_hang = True
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(HASTY_SECONDS):
            await http.ask(server.url)


async def test_it_closes_what_it_asks_over() -> None:
    client = open_http()
    await BoundedHttp(client, timeout_seconds=SECONDS, max_bytes=MAX_BYTES).close()
    assert client.is_closed


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("http://user:word@[::1]:8/x?y#z", "http://[::1]:8"),
        ("https://A.example:443/", "https://a.example"),
        ("http://user@127.0.0.1:8545", "http://127.0.0.1:8545"),
    ],
)
def test_an_origin_is_scheme_host_and_port(url: str, name: str) -> None:
    assert origin(httpx.URL(url)) == name
