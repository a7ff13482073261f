from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path

import pytest

from base_image.conftest import Deb, MirrorServer, Page
from base_image.errors import (
    DownloadError,
    NoMirror,
    PackageGone,
    RefusedDownload,
    TruncatedDownload,
    UnreachableMirror,
    WrongHash,
)
from base_image.fetch import fetch
from base_image.http_client import HttpClient
from base_image.lock_file import LockedPackage
from base_image.mirrors import Mirror

_DEB = Deb("libffi8", {"usr/lib/libffi.so": b"x" * 100})
_PATH = f"/debian/{_DEB.path}"

Fetch = Callable[..., Path]


@pytest.fixture
def run(server: MirrorServer, client: HttpClient, tmp_path: Path) -> Fetch:
    """Fetch the one package from `server`, or from the given mirrors."""

    def fetch_it(mirrors: list[Mirror] | None = None, package: LockedPackage = _DEB.locked) -> Path:
        known = mirrors if mirrors is not None else [Mirror("test", {"debian": server.base})]
        return fetch([package], tmp_path / "cache", lambda: known, client, lambda _line: None)[package.name]

    return fetch_it


def test_a_package_is_fetched_once(server: MirrorServer, run: Fetch) -> None:
    server.pages[_PATH] = Page(_DEB.content)
    assert run().read_bytes() == _DEB.content
    assert run().read_bytes() == _DEB.content
    assert server.asked == [_PATH]


def test_a_full_cache_needs_no_mirror(server: MirrorServer, run: Fetch, client: HttpClient) -> None:
    server.pages[_PATH] = Page(_DEB.content)
    cached = run()

    def none() -> list[Mirror]:
        raise NoMirror("nobody named one")

    assert fetch([_DEB.locked], cached.parent, none, client, print) == {"libffi8": cached}


def test_a_damaged_cache_entry_is_fetched_again(server: MirrorServer, run: Fetch) -> None:
    server.pages[_PATH] = Page(_DEB.content)
    run().write_bytes(b"damaged")
    assert run().read_bytes() == _DEB.content


@pytest.mark.parametrize(
    ("page", "error", "words"),
    [
        (Page(b"", 403), RefusedDownload, "HTTP status 403.*a proxy"),
        (Page(b"", 500), RefusedDownload, "HTTP status 500"),
        (Page(b"", 404), PackageGone, "NODEOS_DEBIAN_SNAPSHOT.*lock debian"),
        (Page(b"", 410), PackageGone, "HTTP status 410"),
        (Page(b"y" * len(_DEB.content)), WrongHash, "sha256 is .*, locked is"),
        (Page(_DEB.content, cut_at=50), TruncatedDownload, "Run the command again"),
        (Page(_DEB.content[:-9]), TruncatedDownload, "bytes came"),
        (Page(_DEB.content + b"more"), TruncatedDownload, "larger than"),
        (Page(_DEB.content, silent=True), UnreachableMirror, "http_proxy"),
    ],
)
def test_refused_download_names_the_package(
    server: MirrorServer, run: Fetch, tmp_path: Path, page: Page, error: type[DownloadError], words: str
) -> None:
    server.pages[_PATH] = page
    with pytest.raises(error, match=rf"package libffi8 1\.0-1 could not be had: .*{words}") as caught:
        run()
    assert type(caught.value) is error
    assert caught.value.package == "libffi8"
    assert not list(tmp_path.glob("cache/*"))


def test_the_next_mirror_is_asked(server: MirrorServer, run: Fetch) -> None:
    server.pages[_PATH] = Page(b"y" * len(_DEB.content))
    server.pages[f"/old{_PATH}"] = Page(_DEB.content)
    old = server.base.replace("/debian", "/old/debian")
    assert run([Mirror("first", {"debian": server.base}), Mirror("second", {"debian": old})]).is_file()


def test_changed_bytes_are_told_before_what_is_merely_gone(server: MirrorServer, run: Fetch) -> None:
    server.pages[f"/old{_PATH}"] = Page(b"y" * len(_DEB.content))
    old = server.base.replace("/debian", "/old/debian")
    with pytest.raises(WrongHash, match=r"404 \[first\]"):
        run([Mirror("first", {"debian": server.base}), Mirror("second", {"debian": old})])


def test_an_archive_that_no_mirror_has_is_gone(run: Fetch) -> None:
    with pytest.raises(PackageGone, match="no mirror has its archive"):
        run(package=copy.replace(_DEB.locked, archive="debian-security"))
