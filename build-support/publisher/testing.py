"""What the publisher's tests share: a bench to make releases on, and stores that count, stop or break in the middle."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console

from publisher import keys
from publisher.archive import load_archive
from publisher.directory_store import DirectoryStore
from publisher.example_archive import REVISION, write_archive
from publisher.image import read_image
from publisher.metadata import Architecture
from publisher.pointer import Pointer, Policy, parse_pointer
from publisher.publish import Publisher
from publisher.release import Build, Release, releases
from publisher.store import Content, Headers, Progress, Seen, Small, Store, no_progress
from publisher.ui import PlainUi

NOW = datetime(2026, 5, 6, 7, 8, 9, tzinfo=UTC)


class Killed(BaseException):
    """The process is gone: nothing of ours may catch this."""


@dataclass
class Bench:
    """A folder where releases are made, and what the publisher said about them."""

    folder: Path
    log: io.StringIO = field(default_factory=io.StringIO)

    def build(
        self,
        version: str,
        payload: bytes = b"",
        *,
        tier: str = "oracle",
        architecture: Architecture = "amd64",
        revision: str = REVISION,
    ) -> Build:
        """One architecture; without `payload` the version is what is new in it."""
        content = payload or version.encode()
        folder = self.folder / "builds" / hashlib.sha256(content + revision.encode()).hexdigest()[:16]
        path = write_archive(folder, version, tier=tier, architecture=architecture, payload=content, revision=revision)
        work = self.folder / "layers"
        work.mkdir(exist_ok=True)
        archive = load_archive(path)
        return Build(archive, read_image(archive, work, no_progress))

    def release(
        self, version: str, payload: bytes = b"", architectures: tuple[Architecture, ...] = ("amd64",)
    ) -> Release:
        """A release of these architectures."""
        (found,) = releases([self.build(version, payload, architecture=name) for name in architectures])
        return found

    def publisher(self, store: Store, policy: Policy | None = None) -> Publisher:
        """A publisher whose clock stands still."""
        return Publisher(store, PlainUi(Console(file=self.log, width=400)), policy or Policy(), lambda: NOW)


def quick_store(root: Path) -> DirectoryStore:
    """A directory that need not survive a power cut: syncing every object of a thousand publishes takes minutes."""
    return DirectoryStore(root, sync=lambda descriptor: None)


@dataclass
class WatchedStore:
    """Another store, with its writes listed, and a function called before each write with its number, from 0."""

    inner: Store
    before: Callable[[int, str], None] = lambda number, key: None
    writes: list[str] = field(default_factory=list)

    @property
    def place(self) -> str:
        return self.inner.place

    def read(self, key: str) -> Small | None:
        return self.inner.read(key)

    def digest(self, key: str, progress: Progress, known: Seen | None = None) -> Seen | None:
        return self.inner.digest(key, progress, known)

    def put_new(self, key: str, content: Content, headers: Headers, progress: Progress) -> None:
        self._count(key)
        self.inner.put_new(key, content, headers, progress)

    def put_if_match(self, key: str, content: Content, headers: Headers, etag: str | None) -> None:
        self._count(key)
        self.inner.put_if_match(key, content, headers, etag)

    def copy(self, source: str, target: str, headers: Headers, sha256: str) -> None:
        self._count(target)
        self.inner.copy(source, target, headers, sha256)

    def _count(self, key: str) -> None:
        self.before(len(self.writes), key)
        self.writes.append(key)


def killed_before(store: Store, write: int) -> WatchedStore:
    """A store whose publisher dies when it is about to make its `write`-th write: after the one before, that is."""

    def before(number: int, key: str) -> None:
        if number == write:
            raise Killed(key)

    return WatchedStore(store, before)


def latest_of(store: Store, tier: str = "oracle") -> Pointer | None:
    """What `latest.json` says."""
    key = keys.pointer(tier)
    found = store.read(key)
    return parse_pointer(found.data, key) if found else None


def files_of(root: Path) -> dict[str, str]:
    """Every file of a directory destination with its sha256, unfinished ones included."""
    return {
        str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(root.rglob("*"))
        if path.is_file() and path.name != "lock"
    }
