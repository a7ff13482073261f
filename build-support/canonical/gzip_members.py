"""gzip with one spelling: fixed pieces, one member each, compressed side by side by libdeflate.

A gzip file may be a row of members, and every reader we know (`gunzip`, Python, Go, so Docker, and `tar`) takes the row
as one stream. Pieces of fixed size make the bytes independent of how many threads there are. The header of a member
is libdeflate's: no name, time zero, operating system unknown (255).
"""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from importlib.metadata import version
from typing import BinaryIO

from deflate import gzip_compress

PIECE_BYTES = 16 * 1024 * 1024
LEVEL = 9


@dataclass(frozen=True)
class Compressed:
    """What was read and written: sizes in bytes, sha256 in hexadecimal."""

    plain_bytes: int
    plain_sha256: str
    gzip_bytes: int
    gzip_sha256: str


def compressor_name() -> str:
    """What makes the bytes, for the metadata: another compressor or another version may make others."""
    return f"libdeflate (deflate {version('deflate')}), level {LEVEL}, members of {PIECE_BYTES} bytes"


def compress(source: BinaryIO, out: BinaryIO, *, threads: int, piece_bytes: int = PIECE_BYTES) -> Compressed:
    """Compress all of `source` into `out`. `threads` changes the time it takes and nothing else."""
    plain, packed = hashlib.sha256(), hashlib.sha256()
    plain_bytes = gzip_bytes = 0
    waiting: deque[Future[bytearray]] = deque()
    pieces = _pieces(source, piece_bytes)
    with ThreadPoolExecutor(threads) as pool:
        for piece in pieces:
            waiting.append(pool.submit(gzip_compress, piece, LEVEL))
            plain.update(piece)
            plain_bytes += len(piece)
            if len(waiting) > threads:
                gzip_bytes += _take(waiting, packed, out)
        while waiting:
            gzip_bytes += _take(waiting, packed, out)
    return Compressed(plain_bytes, plain.hexdigest(), gzip_bytes, packed.hexdigest())


def _pieces(source: BinaryIO, piece_bytes: int) -> Iterator[bytes]:
    first = True
    while (piece := source.read(piece_bytes)) or first:
        first = False
        yield piece


def _take(waiting: deque[Future[bytearray]], packed: hashlib._Hash, out: BinaryIO) -> int:
    member = waiting.popleft().result()
    packed.update(member)
    out.write(member)
    return len(member)
