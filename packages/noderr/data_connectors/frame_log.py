"""Raw frames on the disk as they came, and the same played again: what a bug is found with, and a test written from.

A file is a header and records: length, CRC32, receive time, channel, payload. A process that dies leaves at most its
last record torn; it is cut off when the file is opened to go on.
"""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import BinaryIO

import msgspec

from noderr.data_connectors.errors import FrameLogDamagedError, FrameLogError
from noderr.utils import ManualClock

_HEADER = b"NODEOS-FRAMES-1\n"
_FIXED = struct.Struct("<IIqB")  # length of the rest after this part, CRC32 of all else, receive time, channel's length
_MAX_RECORD = 64 << 20
_SECOND_NS = 1_000_000_000


class LoggedFrame(msgspec.Struct, frozen=True):
    """`received_ns` is UTC of the machine that recorded it."""

    received_ns: int
    channel: str
    payload: bytes


class FrameRecorder:
    """Appends to `path`. At `limit_bytes` the file becomes `<path>.1`, the one before goes, and a new one begins."""

    def __init__(self, path: Path, limit_bytes: int) -> None:
        """Raises `FrameLogError` for another file, `FrameLogDamagedError`, and `OSError`."""
        if limit_bytes < len(_HEADER):
            raise FrameLogError(f"limit_bytes is {limit_bytes}: it must be at least {len(_HEADER)}")
        self._path = path
        self._limit = limit_bytes
        if path.exists() and path.stat().st_size >= len(_HEADER):
            end = _end_of_whole(path)
            self._file: BinaryIO = path.open("r+b")
            self._file.truncate(end)
            self._file.seek(end)
            self._size = end
        else:
            self._begin()

    def write(self, received_ns: int, channel: str, payload: bytes) -> None:
        """Raises `OSError` when the disk is full: a recording with a hole would be none."""
        name = channel.encode()
        body = name + payload
        record = _FIXED.pack(len(body), _checksum(received_ns, name, body), received_ns, len(name)) + body
        if self._size + len(record) > self._limit:
            self._file.close()
            os.replace(self._path, self._path.with_name(self._path.name + ".1"))
            self._begin()
        self._file.write(record)
        self._size += len(record)

    def close(self) -> None:
        """Write what is buffered. Harmless when called twice."""
        self._file.close()

    def _begin(self) -> None:
        self._file = self._path.open("wb")
        self._file.write(_HEADER)
        self._size = len(_HEADER)


def read_frames(path: Path) -> Iterator[LoggedFrame]:
    """The whole records, in order; a torn last one is left out. Raises `FrameLogError` and `FrameLogDamagedError`."""
    for frame, _ in _records(path):
        yield frame


async def play_frames(path: Path, clock: ManualClock, sink: Callable[[LoggedFrame], Awaitable[None]]) -> int:
    """Hand every frame to `sink` at its own time, and return how many there were.

    `clock` goes forward to each frame's time, and whoever sleeps on it wakes in between; where the recording's own
    clock was set back, it stands still.
    """
    count = 0
    for frame in read_frames(path):
        if (ahead_ns := frame.received_ns - clock.now_ns()) > 0:
            await clock.advance(ahead_ns / _SECOND_NS)
        await sink(frame)
        count += 1
    return count


def _records(path: Path) -> Iterator[tuple[LoggedFrame, int]]:
    """Frames, and where in the file each ends."""
    with path.open("rb") as file:
        if (header := file.read(len(_HEADER))) != _HEADER:
            raise FrameLogError(f"{path} begins with {header!r}: it holds no frames, or those of a later version")
        at = len(_HEADER)
        while len(fixed := file.read(_FIXED.size)) == _FIXED.size:
            length, checksum, received_ns, name_length = _FIXED.unpack(fixed)
            body = file.read(length) if name_length <= length <= _MAX_RECORD else b""
            if len(body) < length or checksum != _checksum(received_ns, body[:name_length], body):
                _check_torn(path, file, at)
                return
            at += _FIXED.size + length
            name = body[:name_length].decode("utf-8", "replace")
            yield LoggedFrame(received_ns, name, body[name_length:]), at


def _check_torn(path: Path, file: BinaryIO, at: int) -> None:
    """A broken record is a torn tail only when nothing whole can come after it."""
    if file.read(1):
        raise FrameLogDamagedError(f"{path} is damaged at byte {at}: what is before it is good, copy that out")


def _end_of_whole(path: Path) -> int:
    return max((end for _, end in _records(path)), default=len(_HEADER))


def _checksum(received_ns: int, name: bytes, body: bytes) -> int:
    return zlib.crc32(body, zlib.crc32(name + struct.pack("<q", received_ns)))
