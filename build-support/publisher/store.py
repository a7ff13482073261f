"""What a destination must be able to do. Two can: `DirectoryStore` and `S3Store`."""

from __future__ import annotations

import errno
import hashlib
import io
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol

Progress = Callable[[int], None]
"""Told how many bytes of one object are done, from its beginning: a repeated attempt starts again at 0."""

CHUNK_BYTES = 1 << 20

DISK_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
"""What a file system says when it takes no more: no space, no quota, no larger file."""


@dataclass(frozen=True)
class Headers:
    """What a reader over HTTP gets with the bytes."""

    content_type: str
    cache_control: str


@dataclass(frozen=True)
class Content:
    """Bytes to write, in memory or in a file, with their sha256 (hex) known."""

    body: bytes | Path
    size: int
    sha256: str

    @classmethod
    def of(cls, data: bytes) -> Content:
        """Content of bytes in memory."""
        return cls(data, len(data), hashlib.sha256(data).hexdigest())

    def read(self) -> bytes:
        """All bytes, for small content."""
        return self.body.read_bytes() if isinstance(self.body, Path) else self.body

    def open(self) -> BinaryIO:
        """A new reader from the first byte."""
        return self.body.open("rb") if isinstance(self.body, Path) else io.BytesIO(self.body)


@dataclass(frozen=True)
class Seen:
    """An object whose every byte was read; `etag` is of exactly those bytes."""

    sha256: str
    etag: str


@dataclass(frozen=True)
class Small:
    """A small object, whole; `etag` is of exactly those bytes."""

    data: bytes
    etag: str


class Store(Protocol):
    """A flat name space of objects with conditional writes.

    A write is whole or not there: whoever reads while it happens sees the old object or the new one. Methods raise
    `DestinationError` or `TryAgain`; the conditional ones also `PreconditionFailed`.
    """

    @property
    def place(self) -> str:
        """Where this is, for people."""

    def read(self, key: str) -> Small | None:
        """A small object with its bytes, None when there is none."""

    def digest(self, key: str, progress: Progress, known: Seen | None = None) -> Seen | None:
        """Read every byte of an object back and hash it, None when there is none.

        `known` is what the same caller saw before: an object with the same etag need not be read again.
        """

    def put_new(self, key: str, content: Content, headers: Headers, progress: Progress) -> None:
        """Write an object where none is. Raises `PreconditionFailed` where one is."""

    def put_if_match(self, key: str, content: Content, headers: Headers, etag: str | None) -> None:
        """Replace the small object that `etag` was seen of, None for none. Raises `PreconditionFailed` for another."""

    def copy(self, source: str, target: str, headers: Headers, sha256: str) -> None:
        """Replace `target` by the bytes of `source`, whose sha256 the caller has read back, inside the store."""


def no_progress(_: int) -> None:
    """For callers that show none."""
