"""Strips a shared library of what its loader never reads: symbol tables for debuggers and debug information.

Own code, because `strip` writes other bytes from one binutils to the next, and an image has the same bytes everywhere.
It keeps the loadable part untouched, byte for byte, and writes a new, shorter section table after it. Measured on the
node's wheels: uvloop 16.0 MB becomes 1.8 MB, cryptography 14.4 MB becomes 11.6 MB; 4.2 MB less in the archive.
"""

from __future__ import annotations

import struct
from copy import replace
from dataclasses import dataclass

from node_image.errors import ElfError

_MAGIC = b"\x7fELF"
_HEADER = struct.Struct("<16sHHIQQQIHHHHHH")
_PROGRAM = struct.Struct("<IIQQQQQQ")
_SECTION = struct.Struct("<IIQQQQIIQQ")
_LITTLE_64 = b"\x02\x01"
_NULL, _STRTAB, _NOBITS = 0, 3, 8
_ALLOC = 0x2
_INFO_IS_SECTION = 0x40
_RELOCATIONS = (4, 9)
_ALIGNMENT = 8


@dataclass(frozen=True)
class _Section:
    name: bytes
    type: int
    flags: int
    address: int
    offset: int
    size: int
    link: int
    info: int
    alignment: int
    entry_size: int


def strip(data: bytes) -> bytes:
    """`data` without what is not loaded. Other than 64-bit little-endian ELF is returned as it is.

    Raises `ElfError` when the headers point outside of the file.
    """
    if not data.startswith(_MAGIC) or data[4:6] != _LITTLE_64:
        return data
    try:
        header = list(_HEADER.unpack_from(data))
        sections = _sections(data, header)
        loaded_end = _loaded_end(data, header, sections)
    except (struct.error, IndexError, ValueError) as error:
        raise ElfError(
            f"the headers of a shared library point outside of it ({error}); the wheel is damaged"
        ) from error
    if not sections:
        return data
    if loaded_end > len(data):
        raise ElfError(f"a shared library ends after {len(data)} of {loaded_end} bytes; the wheel is damaged")
    stripped = _rewrite(data[:loaded_end], header, sections)
    return stripped if len(stripped) < len(data) else data


def _sections(data: bytes, header: list[int]) -> list[_Section]:
    offset, count, names_index = header[6], header[12], header[13]
    raw = [_SECTION.unpack_from(data, offset + number * _SECTION.size) for number in range(count)]
    if not raw:
        return []
    names = raw[names_index][4]
    return [_Section(data[names + one[0] : data.index(b"\0", names + one[0])], *one[1:]) for one in raw]


def _loaded_end(data: bytes, header: list[int], sections: list[_Section]) -> int:
    """Where the last byte that a program header or a loaded section needs ends."""
    offset, count = header[5], header[10]
    segments = [_PROGRAM.unpack_from(data, offset + number * _PROGRAM.size) for number in range(count)]
    ends = [_HEADER.size, offset + count * _PROGRAM.size]
    ends += [segment[2] + segment[5] for segment in segments]
    ends += [one.offset + one.size for one in sections if one.flags & _ALLOC and one.type != _NOBITS]
    return max(ends)


def _rewrite(loaded: bytes, header: list[int], sections: list[_Section]) -> bytes:
    kept = [number for number, one in enumerate(sections) if one.flags & _ALLOC or one.type == _NULL]
    renumbered = {old: new for new, old in enumerate(kept)}
    names, table = bytearray(b"\0"), []
    for old in kept:
        one = sections[old]
        points = one.flags & _INFO_IS_SECTION or one.type in _RELOCATIONS
        info = renumbered.get(one.info, 0) if points else one.info
        table.append((_add_name(names, one.name), replace(one, link=renumbered.get(one.link, 0), info=info)))
    own_name = _add_name(names, b".shstrtab")
    names_offset = len(loaded)
    table.append((own_name, _Section(b".shstrtab", _STRTAB, 0, 0, names_offset, len(names), 0, 0, 1, 0)))
    body = loaded + names
    body += bytes(-len(body) % _ALIGNMENT)
    new = [*header]
    new[6], new[12], new[13] = len(body), len(table), len(table) - 1
    return _HEADER.pack(*new) + body[_HEADER.size :] + b"".join(_pack(name, one) for name, one in table)


def _add_name(names: bytearray, name: bytes) -> int:
    if not name:
        return 0
    start = len(names)
    names += name + b"\0"
    return start


def _pack(name: int, one: _Section) -> bytes:
    fields = (one.type, one.flags, one.address, one.offset, one.size, one.link, one.info, one.alignment, one.entry_size)
    return _SECTION.pack(name, *fields)
