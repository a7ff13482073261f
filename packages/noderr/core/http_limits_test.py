"""The HTTP server against clients that are slow, greedy or many: real sockets, short limits."""

from __future__ import annotations

import contextlib
import copy
import itertools
import logging
import resource
import socket
import time
from collections.abc import Callable, Iterator

import pytest

from noderr.core.http_limits import Cut, HttpLimits
from noderr.core.http_testing import (
    CHUNKS,
    SECONDS,
    HttpServer,
    drip,
    head,
    is_open,
    read_all,
    read_answers,
)

LIMIT = 0.4
SHORT = HttpLimits(LIMIT, LIMIT, LIMIT, LIMIT, head_bytes=4096, connections=32)
GET = head("/health")
WELL = (200, b'"well"')


@pytest.fixture
def server() -> Iterator[HttpServer]:
    with HttpServer(SHORT) as server:
        yield server


@pytest.fixture
def client(server: HttpServer) -> Iterator[socket.socket]:
    with server.connect() as client:
        yield client


def ask(client: socket.socket, request: bytes = GET) -> tuple[int, bytes]:
    client.sendall(request)
    return read_answers(client, 1)[0]


def endless_line() -> Iterator[bytes]:
    return itertools.chain([b"GET /"], itertools.repeat(b"a"))


def endless_headers() -> Iterator[bytes]:
    return itertools.chain([b"GET / HTTP/1.1\r\n"], (bytes([byte]) for byte in itertools.cycle(b"a: b\r\n")))


@pytest.mark.parametrize("pieces", [endless_line, endless_headers])
def test_a_head_without_end_is_cut_however_busily_it_comes(
    server: HttpServer, client: socket.socket, pieces: Callable[[], Iterator[bytes]]
) -> None:
    seconds, said = drip(client, pieces())
    assert seconds >= LIMIT
    assert said.startswith(b"HTTP/1.1 408 ")
    assert b'{"error":"the request\'s head did not arrive in time"}' in said
    assert server.cuts() == {Cut.SLOW_HEAD: 1}


def test_a_later_head_has_its_time_from_its_first_byte(server: HttpServer, client: socket.socket) -> None:
    assert ask(client) == WELL
    time.sleep(LIMIT / 2)
    seconds, said = drip(client, endless_line())
    assert seconds >= LIMIT
    assert said.startswith(b"HTTP/1.1 408 ")
    assert server.cuts() == {Cut.SLOW_HEAD: 1}


def test_a_silent_connection_is_closed_without_a_word(server: HttpServer, client: socket.socket) -> None:
    assert read_all(client) == b""
    assert server.cuts() == {Cut.SLOW_HEAD: 1}


def test_an_idle_connection_is_closed_and_that_is_no_cut(server: HttpServer, client: socket.socket) -> None:
    assert ask(client) == WELL
    assert read_all(client) == b""
    assert server.cuts() == {}


def test_a_connection_in_use_lives_longer_than_any_limit(server: HttpServer, client: socket.socket) -> None:
    for _ in range(10):
        assert ask(client) == WELL
        time.sleep(LIMIT / 3)
    assert server.cuts() == {}


def test_an_answer_that_takes_us_long_is_waited_for(server: HttpServer, client: socket.socket) -> None:
    # The next head waits half done meanwhile; it is not late, because nobody could answer it.
    client.sendall(head(f"/late?seconds={LIMIT * 3}") + GET[:20])
    assert read_answers(client, 1) == [(200, b"done")]
    assert ask(client, GET[20:]) == WELL
    assert server.cuts() == {}


@pytest.mark.parametrize("framing", ["content-length: 1000", "transfer-encoding: chunked"])
def test_a_slow_body_is_cut_and_its_handler_told(server: HttpServer, client: socket.socket, framing: str) -> None:
    client.sendall(head("/echo", framing, method="POST"))
    seconds, said = drip(client, itertools.cycle([b"1\r\nx\r\n"]))
    assert seconds >= LIMIT
    assert said.startswith(b"HTTP/1.1 408 ")
    assert server.cuts() == {Cut.SLOW_BODY: 1}
    assert server.bodies_lost == 1


def test_a_slow_body_that_nobody_wants_is_cut_too(server: HttpServer, client: socket.socket) -> None:
    assert ask(client, head("/health", "content-length: 1000", method="POST"))[0] == 405
    seconds, said = drip(client, itertools.repeat(b"x"))
    assert (said, server.cuts()) == (b"", {Cut.SLOW_BODY: 1})
    assert seconds < SECONDS


def test_a_large_body_comes_whole(server: HttpServer, client: socket.socket) -> None:
    body = bytes(5_000_000)
    assert ask(client, head("/echo", f"content-length: {len(body)}", method="POST") + body) == (200, b"5000000")
    assert ask(client) == WELL
    assert server.cuts() == {}


def test_a_body_that_we_do_not_take_yet_is_not_late() -> None:
    body = bytes(1_000_000)
    # What is left of the body is taken after the answer, in its own time: on a busy machine that needs some.
    limits = copy.replace(HttpLimits(), body_seconds=1.0)
    with HttpServer(limits) as server, server.connect() as client:
        request = head("/late?seconds=2", f"content-length: {len(body)}", method="POST") + body
        assert ask(client, request) == (200, b"done")
        assert ask(client) == WELL
        assert server.cuts() == {}


def test_heads_have_a_size(server: HttpServer, client: socket.socket) -> None:
    assert ask(client, head("/health", "a: " + "b" * (SHORT.head_bytes - 200))) == WELL
    client.sendall(head("/health", "a: " + "b" * SHORT.head_bytes))
    assert read_all(client).startswith(b"HTTP/1.1 431 ")
    assert server.cuts() == {Cut.LARGE_HEAD: 1}


@pytest.mark.parametrize(
    "begin",
    [
        b"GET /",
        b"GET / HTTP/1.1\r\na: ",
        b"POST /echo HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n0\r\na: ",
        b"POST /echo HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n1;",
    ],
    ids=["line", "header", "trailer", "chunk"],
)
def test_nothing_grows_beyond_the_size_of_a_head(server: HttpServer, client: socket.socket, begin: bytes) -> None:
    client.sendall(begin)
    _, said = drip(client, itertools.repeat(b"x" * 1000))
    assert said.startswith(b"HTTP/1.1 431 ")
    assert server.cuts() == {Cut.LARGE_HEAD: 1}


@pytest.mark.parametrize("behind", [b"", GET], ids=["alone", "pipelined"])
def test_who_does_not_read_is_cut_and_little_is_held_for_it(
    server: HttpServer, behind: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    with server.connect(receive_buffer=4096) as client:
        client.sendall(head("/large") + behind)
        until(lambda: server.cuts() == {Cut.UNREAD_ANSWER: 1})
        time.sleep(LIMIT)  # Its handler has ended with it.
        # What was sent is in the system's buffers for sockets, which are a few megabytes at most.
        assert server.chunks_sent < CHUNKS / 4
        assert not read_all(client).endswith(b"0\r\n\r\n")
        assert [record for record in caplog.records if record.levelno >= logging.ERROR] == []


def test_many_answers_that_are_not_read_are_one_too_many(server: HttpServer) -> None:
    with server.connect(receive_buffer=4096) as client, contextlib.suppress(ConnectionError):
        client.settimeout(LIMIT / 4)
        while not server.cuts():
            with contextlib.suppress(TimeoutError):
                client.sendall(GET * 1000)
    until(lambda: server.cuts() == {Cut.UNREAD_ANSWER: 1})


def test_pipelined_requests_are_all_answered_in_order(server: HttpServer, client: socket.socket) -> None:
    count = 3000
    client.sendall(b"".join(head(f"/item/{number}") for number in range(count)))
    assert read_answers(client, count) == [(200, b"%d" % number) for number in range(count)]
    assert ask(client) == WELL
    assert server.cuts() == {}


def test_bodies_among_pipelined_requests_find_their_handler(server: HttpServer, client: socket.socket) -> None:
    sizes = [0, 1, 5000, 3, 100_000, 2]
    requests = [head("/echo", f"content-length: {size}", method="POST") + bytes(size) + GET for size in sizes]
    client.sendall(b"".join(requests))
    answers = read_answers(client, 2 * len(sizes))
    assert answers == [answer for size in sizes for answer in ((200, b"%d" % size), WELL)]


def test_garbage_is_refused_in_its_turn(server: HttpServer, client: socket.socket) -> None:
    client.sendall(GET + b"\x00\xff garbage\r\n\r\n")
    assert read_answers(client, 1) == [WELL]
    assert read_all(client) == b""
    with server.connect() as other:
        other.sendall(b"\x16\x03\x01 garbage")
        assert read_all(other).startswith(b"HTTP/1.1 400 ")
    assert server.cuts() == {Cut.MALFORMED: 2}


def test_another_protocol_is_not_spoken(server: HttpServer, client: socket.socket) -> None:
    client.sendall(head("/health", "connection: upgrade", "upgrade: websocket") + b"\x81\x05hello")
    said = read_all(client)
    assert said.startswith(b"HTTP/1.1 200 ")
    assert said.count(b"HTTP/1.1") == 1
    assert server.cuts() == {}


def test_idle_connections_keep_nobody_out() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(4096, hard), hard))  # Both ends are in this process.
    try:
        limits = copy.replace(HttpLimits(), head_seconds=60)
        with HttpServer(limits) as server, contextlib.ExitStack() as stack:
            clients = [stack.enter_context(server.connect()) for _ in range(600)]
            late = stack.enter_context(server.connect())
            assert ask(late) == WELL
            assert server.cuts() == {Cut.CROWDED: 601 - limits.connections}
            until(lambda: [is_open(client) for client in clients] == [False] * 89 + [True] * 511)
            assert ask(clients[-1]) == WELL
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_who_is_being_answered_is_not_sent_away_for_another() -> None:
    limits = copy.replace(SHORT, connections=2)
    with HttpServer(limits) as server, server.connect() as one, server.connect() as two:
        for client in (one, two):
            client.sendall(head("/late?seconds=1"))
        time.sleep(0.2)  # Both are in hand.
        with server.connect() as third:
            assert read_all(third).startswith(b"HTTP/1.1 503 ")
        assert [read_answers(client, 1) for client in (one, two)] == [[(200, b"done")]] * 2
        assert ask(one) == WELL
        assert server.cuts() == {Cut.CROWDED: 1}


def test_a_good_client_is_served_among_all_the_others(server: HttpServer) -> None:
    hangers = [b"", b"GET /", b"GET / HTTP/1.1\r\na: ", head("/echo", "content-length: 9", method="POST"), b"\x00"]
    with contextlib.ExitStack() as stack:
        for begin in hangers * 20:  # Three times as many as there are places.
            stack.enter_context(server.connect()).sendall(begin)
            good = stack.enter_context(server.connect())
            assert ask(good) == WELL
        until(lambda: sum(server.cuts().values()) >= 100)


def test_the_server_stops_with_clients_hanging_on() -> None:
    limits = copy.replace(SHORT, head_seconds=60, keep_alive_seconds=60)
    with contextlib.ExitStack() as stack:
        with HttpServer(limits) as server:
            clients = [stack.enter_context(server.connect()) for _ in range(3)]
            clients[1].sendall(b"GET /")
            assert ask(clients[2]) == WELL
        assert [is_open(client) for client in clients] == [False] * 3


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < deadline, "it does not come to it"
        time.sleep(0.02)
