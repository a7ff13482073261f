"""An append-only file of records of one size: what is appended is on the disk before `append` returns, or it never was.

Records that are appended together share one sync, and each says its place among them. Only the last such batch can be
torn, because each is synced before the next is begun; what is torn is cut off on opening. Anything else that is wrong
with the file was not done by this program, and is an error.
"""

from __future__ import annotations

import os
import struct
import threading
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from noderr.core.consensus.errors import GuardDamagedError
from noderr.utils import remove_temporary_files, replace_file, sync_directory

MOST_AT_ONCE = 64
"""So many records may share a sync."""

# CRC-32 of what follows; the record's place in its batch, from 0; how many the batch has.
_SEAL = struct.Struct(">IBB")
_CRC_BYTES = 4


class Disk(Protocol):
    """The one file; the simulator has one that loses what was not synced."""

    def read(self) -> bytes:
        """All of it; empty when there is no file yet."""

    def append(self, data: bytes) -> None:
        """Write at the end. It is not on the disk yet."""

    def sync(self) -> None:
        """Everything written is on the disk, and so is the file's name, when this returns."""

    def truncate(self, length: int) -> None:
        """Cut the end off, on the disk too."""

    def replace(self, data: bytes) -> None:
        """Put this in the place of all, in one step, on the disk too."""


class FileDisk:
    """A file that stays open until `close`. Not shared: the data directory is claimed by one process.

    A thread may still write when the loop closes it; it then gets an `OSError`, and never another file's descriptor.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._file: int | None = None
        remove_temporary_files(path)  # Of a `replace` that was killed.
        self._open()

    def _open(self) -> None:
        file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        try:
            # Without this a crash can lose the name, and with it every record. At every start: the last one may have
            # been killed before it did this.
            sync_directory(self._path.parent)
        except BaseException:
            os.close(file)
            raise
        self._file = file

    def read(self) -> bytes:
        with self._lock:
            file = self._opened()
            size, data = os.fstat(file).st_size, bytearray()
            # A disk that fails gives what comes before the bad sector: the rest is not torn off because of that.
            while len(data) < size and (part := os.pread(file, size - len(data), len(data))):
                data += part
            if len(data) != size:
                raise OSError(f"{self._path.name}: the disk gives {len(data)} of {size} bytes")
            return bytes(data)

    def append(self, data: bytes) -> None:
        with self._lock:
            if os.write(self._opened(), data) != len(data):
                raise OSError(f"{self._path.name}: the disk took a part of a record only")

    def sync(self) -> None:
        with self._lock:
            os.fsync(self._opened())

    def truncate(self, length: int) -> None:
        with self._lock:
            file = self._opened()
            os.ftruncate(file, length)
            os.fsync(file)

    def replace(self, data: bytes) -> None:
        with self._lock:
            file = self._opened()
            replace_file(self._path, data)
            self._file = None
            os.close(file)
            self._open()

    def close(self) -> None:
        """Let go of the file, once what is being written is written."""
        with self._lock:
            file, self._file = self._file, None
            if file is not None:
                os.close(file)

    def _opened(self) -> int:
        if self._file is None:
            raise OSError(f"{self._path.name} is closed")
        return self._file


class Journal:
    """Records of `record_bytes` each."""

    def __init__(self, disk: Disk, record_bytes: int) -> None:
        """Read what is there. Raises `GuardDamagedError` and `OSError`."""
        self._disk = disk
        self._size = _SEAL.size + record_bytes
        self._broken: OSError | None = None
        self.records = self._recover()

    def append(self, records: Sequence[bytes]) -> None:
        """On the disk when this returns. Raises `OSError`; after that nothing is taken any more, until a new start.

        At most `MOST_AT_ONCE` records.
        """
        self._check_whole()
        try:
            self._disk.append(_sealed(records))
            self._disk.sync()
        except OSError as error:
            self._broken = error
            raise
        self.records += records

    def rewrite(self, records: Sequence[bytes]) -> None:
        """Keep just these. Raises `OSError`, and then nothing is taken any more, until a new start."""
        self._check_whole()
        try:
            self._disk.replace(b"".join(_sealed([record]) for record in records))
        except OSError as error:
            self._broken = error
            raise
        self.records = list(records)

    def _check_whole(self) -> None:
        if self._broken is not None:
            # A failed fsync may have thrown the data away, and a second one would then report success.
            raise OSError("the journal failed before and takes nothing more: start anew") from self._broken

    def _recover(self) -> list[bytes]:
        data = self._disk.read()
        parts = [data[start : start + self._size] for start in range(0, len(data), self._size)]
        sound = next((index for index, part in enumerate(parts) if not self._is_sound(part)), len(parts))
        if self._is_synced(sound, parts):
            raise GuardDamagedError(
                f"record {sound} of the journal of signatures is damaged, and it is not of the last that were written: "
                "this voter may have signed what it no longer knows. Take it out of the voters; give it a new key and "
                "journal"
            )
        records = [part[_SEAL.size :] for part in parts[:sound]]
        if sound < len(parts):
            self._disk.truncate(sound * self._size)
        if records and self._is_of_more(parts[sound - 1]):
            # What is left of a torn batch says that it had more: written anew, so that the next one may be torn too.
            self._disk.replace(b"".join(_sealed([record]) for record in records))
        return records

    def _is_sound(self, part: bytes) -> bool:
        return len(part) == self._size and zlib.crc32(part[_CRC_BYTES:]) == _SEAL.unpack_from(part)[0]

    def _is_of_more(self, part: bytes) -> bool:
        _, place, count = _SEAL.unpack_from(part)
        return bool(place + 1 < count)

    def _is_synced(self, damaged: int, parts: Sequence[bytes]) -> bool:
        """Whether the damaged record cannot be torn, because something was written after its batch.

        Its neighbours tell where their batches lie; of a damaged rest without one, only the length does.
        """
        if len(parts) - damaged > MOST_AT_ONCE:
            return True
        for index in range(max(damaged - 1, 0), len(parts)):
            if self._is_sound(parts[index]):
                _, place, count = _SEAL.unpack_from(parts[index])
                first, last = index - place, index - place + count - 1
                if first > damaged or damaged <= last < len(parts) - 1:
                    return True
        return False


def _sealed(records: Sequence[bytes]) -> bytes:
    count = len(records)
    return b"".join([_seal(place, count, record) + record for place, record in enumerate(records)])


def _seal(place: int, count: int, record: bytes) -> bytes:
    return _SEAL.pack(zlib.crc32(record, zlib.crc32(bytes((place, count)))), place, count)
