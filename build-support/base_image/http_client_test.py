from __future__ import annotations

import socket

import pytest

from base_image.conftest import MirrorServer, Page
from base_image.errors import HttpRefused, HttpTruncated, HttpUnreachable
from base_image.http_client import HttpClient, Patience


def _url(server: MirrorServer) -> str:
    return f"{server.base}/file"


def test_a_body_comes_whole(server: MirrorServer, client: HttpClient) -> None:
    server.pages["/debian/file"] = Page(b"x" * 600_000)
    assert client.get(_url(server), limit_bytes=600_000) == b"x" * 600_000


def test_what_is_not_found_is_asked_for_once(server: MirrorServer, client: HttpClient) -> None:
    with pytest.raises(HttpRefused, match="HTTP status 404"):
        client.get(_url(server), limit_bytes=10)
    assert len(server.asked) == 1


def test_a_busy_server_is_asked_again(server: MirrorServer) -> None:
    server.pages["/debian/file"] = Page(b"", 503)
    pauses: list[float] = []

    def sleep(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 2:
            server.pages["/debian/file"] = Page(b"content")

    client = HttpClient(Patience(tries=3, pause_seconds=0.5), sleep=sleep)
    assert client.get(_url(server), limit_bytes=10) == b"content"
    assert pauses == [0.5, 1.0]


def test_a_body_cut_short_is_no_body(server: MirrorServer, client: HttpClient) -> None:
    server.pages["/debian/file"] = Page(b"content", cut_at=3)
    with pytest.raises(HttpTruncated, match="3 of 7 bytes|in the middle"):
        client.get(_url(server), limit_bytes=10)
    assert len(server.asked) == 2


def test_a_body_larger_than_locked_is_not_read(server: MirrorServer, client: HttpClient) -> None:
    server.pages["/debian/file"] = Page(b"x" * 1_000_000)
    with pytest.raises(HttpTruncated, match="larger than the 10 bytes"):
        client.get(_url(server), limit_bytes=10)


def test_silence_ends_in_time(server: MirrorServer) -> None:
    server.pages["/debian/file"] = Page(b"content", silent=True)
    client = HttpClient(Patience(silence_seconds=0.1, tries=1))
    with pytest.raises(HttpUnreachable, match="no answer"):
        client.get(_url(server), limit_bytes=10)


def test_a_drip_ends_in_time(server: MirrorServer) -> None:
    server.pages["/debian/file"] = Page(b"x" * 600_000)
    seconds = iter(range(0, 10_000, 200))
    client = HttpClient(Patience(total_seconds=100, tries=1), clock=lambda: float(next(seconds)))
    with pytest.raises(HttpUnreachable, match="not complete after 100 seconds"):
        client.get(_url(server), limit_bytes=600_000)


def test_a_closed_port_is_unreachable(client: HttpClient) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        with pytest.raises(HttpUnreachable, match="no answer"):
            client.get(f"http://127.0.0.1:{taken.getsockname()[1]}/file", limit_bytes=10)
