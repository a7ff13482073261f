"""State in one small file that survives a kill, a power cut, a torn write and a flipped bit.

The file is two lines: the SHA-256 of the second line in hexadecimal, and one JSON object with the schema's version, the
generation (1 for the first write, then one more each time) and the state. The file before it stays beside it as
`<name>.previous`. An operator checks one with `tail -n +2 FILE | sha256sum`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec

from noderr.utils.errors import NewerVersionError, StateBrokenError, StateFileError, StateTypeError
from noderr.utils.files import remove_temporary_files, replace_file

type Upgrade = Callable[[Any], Any]
"""Makes the state of one schema version, as plain JSON values, into that of the next."""

type Source = Literal["current", "previous"]

_DIGEST_LENGTH = 64


class _Document(msgspec.Struct, frozen=True):
    schema: Annotated[int, msgspec.Meta(ge=1)]
    generation: int
    state: msgspec.Raw


class StateRead[T](msgspec.Struct, frozen=True):
    """What was read. `fallback_reason` says what is wrong with the file when the previous one had to serve."""

    state: T
    generation: int
    source: Source
    fallback_reason: str | None = None


class StateFile[T]:
    """The state of type `kind` (a msgspec struct) in the file `path`. One object in one process writes a file.

    The first schema is version 1; `upgrades[0]` leads from 1 to 2, and so on: as many as were ever needed.
    Reading and writing block for as long as the disk takes; from a coroutine call them with `asyncio.to_thread`.
    """

    def __init__(self, path: Path, kind: type[T], *, upgrades: Sequence[Upgrade] = ()) -> None:
        self._path = path
        self._previous = path.with_name(f"{path.name}.previous")
        self._kind = kind
        self._upgrades = tuple(upgrades)
        self._schema = 1 + len(self._upgrades)

    def read(self) -> StateRead[T] | None:
        """The newest intact state, or None when nothing was ever written.

        Raises `NewerVersionError`, `StateTypeError`, `StateBrokenError`, or `StateFileError` when the disk refuses.
        """
        newest = self._newest()
        if newest is None:
            return None
        document, source, reason = newest
        return StateRead(self._decode(document, source), document.generation, source, reason)

    def write(self, state: T) -> int:
        """Put `state` on the disk in place of the last one and return its generation.

        Raises what `read` raises when the files there must not be written over, and `StateFileError` when the disk is
        full or refuses; the last state is then still there.
        """
        newest = self._newest()
        generation = 1 if newest is None else newest[0].generation + 1
        document = _Document(self._schema, generation, msgspec.Raw(msgspec.json.encode(state)))
        line = msgspec.json.encode(document) + b"\n"
        try:
            for path in (self._path, self._previous):
                remove_temporary_files(path)
            # Only an intact file may take the place of the previous one.
            keep = self._previous if newest is not None and newest[1] == "current" else None
            replace_file(self._path, _digest(line) + b"\n" + line, keep_old_as=keep)
        except OSError as error:
            raise StateFileError(
                f"{self._path} cannot be written: {error.strerror}: make room and see that the directory can be written"
            ) from error
        return generation

    def _newest(self) -> tuple[_Document, Source, str | None] | None:
        """The newest intact document, where it was, and what is wrong with the current file if it was not there."""
        current = self._load(self._path)
        if isinstance(current, _Document):
            return current, "current", None
        previous = self._load(self._previous)
        if isinstance(previous, _Document):
            return previous, "previous", current or f"{self._path} is missing"
        if current is None and previous is None:
            return None
        raise StateBrokenError(
            f"{current or f'{self._path} is missing'}, and {previous or f'{self._previous} is missing'}: restore both "
            f"files from a backup; without them this part of the node starts from nothing"
        )

    def _load(self, path: Path) -> _Document | str | None:
        """The intact document in `path`, or what is wrong with it, or None when there is no such file."""
        try:
            content = path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise StateFileError(f"{path} cannot be read: {error.strerror}: see to its owner, mode and disk") from error
        digest, line = content[:_DIGEST_LENGTH], content[_DIGEST_LENGTH + 1 :]
        if content[_DIGEST_LENGTH : _DIGEST_LENGTH + 1] != b"\n" or digest != _digest(line):
            return f"{path} is damaged: its {len(content)} bytes do not match their checksum"
        try:
            document = msgspec.json.decode(line, type=_Document)
        except msgspec.MsgspecError as error:
            raise StateTypeError(f"{path} is intact and no state file of this software: {error}") from error
        if document.schema > self._schema:
            raise NewerVersionError(path, document.schema, self._schema)
        return document

    def _decode(self, document: _Document, source: Source) -> T:
        path = self._path if source == "current" else self._previous
        try:
            if document.schema == self._schema:
                return msgspec.json.decode(document.state, type=self._kind)
            state = msgspec.json.decode(document.state)
            for upgrade in self._upgrades[document.schema - 1 :]:
                state = upgrade(state)
            return msgspec.convert(state, type=self._kind)
        except Exception as error:  # An upgrade may raise anything.
            raise StateTypeError(
                f"{path}, schema {document.schema}, is intact and does not hold a {self._kind.__name__}: {error!r}"
            ) from error


def _digest(line: bytes) -> bytes:
    return hashlib.sha256(line).hexdigest().encode()
