"""A directory as destination, with the promises of an object store.

Every object is written to a temporary file, synced, and then given its name in one step: a hard link where nothing may
be replaced (it fails when the name is taken), a rename where something may. The directory is synced too.
Compare-and-swap holds a lock on a file. Temporary files of killed publishers are swept: a living one holds a lock on
each of its own.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from publisher.errors import DestinationError, DiskFull, PreconditionFailed, StoreRefused
from publisher.store import CHUNK_BYTES, DISK_FULL, Content, Headers, Progress, Seen, Small, no_progress

WORK = ".publishing"
"""The folder of temporary files and of the lock, inside the destination so that a rename stays in one file system."""


class DirectoryStore:
    """Objects as files below `root`, which is made when the first object is written. Headers are not kept.

    `sync` makes what was written to a descriptor survive a power cut.
    """

    def __init__(self, root: Path, *, sync: Callable[[int], None] = os.fsync) -> None:
        self._root, self._sync = root.resolve(), sync
        self._swept = False

    @property
    def place(self) -> str:
        """The directory."""
        return str(self._root)

    def read(self, key: str) -> Small | None:
        """A file's bytes."""
        with _explained(self._path(key)):
            try:
                data = self._path(key).read_bytes()
            except FileNotFoundError:
                return None
        return Small(data, hashlib.sha256(data).hexdigest())

    def digest(self, key: str, progress: Progress, known: Seen | None = None) -> Seen | None:
        """Hash a file. Its etag is its hash, so `known` saves nothing."""
        with _explained(self._path(key)):
            try:
                with self._path(key).open("rb") as source:
                    sha256 = _pump(source, None, progress)
            except FileNotFoundError:
                return None
        return Seen(sha256, sha256)

    def put_new(self, key: str, content: Content, headers: Headers, progress: Progress) -> None:
        """Link a synced temporary file to the key: whole, or not at all, and never over another."""
        path = self._path(key)
        with _explained(path), self._temporary() as (temporary, out):
            with content.open() as source:
                _pump(source, out, progress)
            self._sync_file(out)
            self._make_folder(path.parent)
            try:
                os.link(temporary, path)
            except FileExistsError as error:
                raise PreconditionFailed(f"{key} is there already") from error
            self._sync_folder(path.parent)

    def put_if_match(self, key: str, content: Content, headers: Headers, etag: str | None) -> None:
        """Replace a file while holding the lock, if it is still the one that was seen."""
        path = self._path(key)
        with _explained(path), self._temporary() as (temporary, out):
            with content.open() as source:
                _pump(source, out, no_progress)
            self._sync_file(out)
            self._make_folder(path.parent)
            with self._locked():
                found = self.read(key)
                if (found.etag if found else None) != etag:
                    raise PreconditionFailed(f"{key} was changed by another publisher")
                temporary.replace(path)
            self._sync_folder(path.parent)

    def copy(self, source: str, target: str, headers: Headers, sha256: str) -> None:
        """Copy bytes, not a link: whoever edits the copy must not reach the version."""
        path = self._path(target)
        with _explained(path), self._temporary() as (temporary, out):
            with self._path(source).open("rb") as original:
                _pump(original, out, no_progress)
            self._sync_file(out)
            self._make_folder(path.parent)
            temporary.replace(path)
            self._sync_folder(path.parent)

    def _path(self, key: str) -> Path:
        if any(part in ("", ".", "..", WORK) for part in key.split("/")):
            raise StoreRefused(f"{key!r} is no key: a key is a relative path without '.' and '..'")
        return self._root / key

    def _make_folder(self, folder: Path) -> None:
        """Make a folder and its parents, so that they are there after a power cut."""
        missing = [path for path in (folder, *folder.parents) if not path.exists()]
        folder.mkdir(parents=True, exist_ok=True)
        for path in reversed(missing):
            self._sync_folder(path.parent)

    def _sync_file(self, out: BinaryIO) -> None:
        out.flush()
        self._sync(out.fileno())

    def _sync_folder(self, folder: Path) -> None:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            self._sync(descriptor)
        finally:
            os.close(descriptor)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Hold the destination's one lock: for moments only, never while bytes are copied."""
        with (self._root / WORK / "lock").open("ab") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    @contextmanager
    def _temporary(self) -> Iterator[tuple[Path, BinaryIO]]:
        """A temporary file that is gone afterwards, unless it was renamed."""
        work = self._root / WORK
        self._make_folder(work)
        with self._locked():
            self._sweep(work)
            descriptor, name = tempfile.mkstemp(dir=work, prefix="object-")
            # Locked before the lock is given back: whoever sweeps next sees that this file has a living owner.
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        temporary = Path(name)
        try:
            with os.fdopen(descriptor, "wb") as out:
                os.fchmod(descriptor, 0o644)
                yield temporary, out
        finally:
            temporary.unlink(missing_ok=True)

    def _sweep(self, work: Path) -> None:
        """Remove temporary files whose publisher is dead; once a run is enough."""
        if self._swept:
            return
        self._swept = True
        for left in work.glob("object-*"):
            with suppress(FileNotFoundError, BlockingIOError), left.open("rb") as handle:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                left.unlink()


def _pump(source: BinaryIO, out: BinaryIO | None, progress: Progress) -> str:
    """Read all of `source`, write it to `out` if there is one, and return its sha256 (hex)."""
    hasher, done = hashlib.sha256(), 0
    while chunk := source.read(CHUNK_BYTES):
        hasher.update(chunk)
        if out:
            out.write(chunk)
        done += len(chunk)
        progress(done)
    return hasher.hexdigest()


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    """Turn what the operating system says into what the user can do."""
    try:
        yield
    except OSError as error:
        raise _explain(error, path) from error


def _explain(error: OSError, path: Path) -> DestinationError:
    if error.errno in DISK_FULL:
        return DiskFull(f"No room for {path}: {error.strerror}. No part of it was left. Free some space and run again.")
    return StoreRefused(
        f"Cannot use {path}: {error.strerror or error}. Give with --to DIR a directory that you may write, on a file "
        "system with hard links."
    )
