"""A suite's Release file: which index files there are, with their hashes, and how old it may be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from debian.deb822 import Release as ReleaseFields

from base_image.errors import ArchiveError

_DATE = "%a, %d %b %Y %H:%M:%S %Z"


@dataclass(frozen=True)
class IndexFile:
    """One file below the suite's directory; `path` is the address to fetch, relative to that directory."""

    path: str
    size: int
    sha256: str


@dataclass(frozen=True)
class Release:
    """What we use of a Release file. Times are UTC."""

    suite: str
    date: datetime
    valid_until: datetime | None
    files: Mapping[str, IndexFile]

    def index(self, path: str) -> IndexFile:
        """The index file at `path`. Raises `ArchiveError` where the suite has none."""
        if path not in self.files:
            raise ArchiveError(f"{self.suite}: its Release file lists no {path}: the mirror lacks this architecture.")
        return self.files[path]


def parse_release(text: str, suite: str, now: datetime) -> Release:
    """Read the signed text of a Release file.

    Raises `ArchiveError` when it is another suite's or no longer valid at `now`: a mirror, or somebody in between,
    may be showing an old state that is correctly signed.
    """
    fields = ReleaseFields(text)
    codename = fields.get("Codename")
    if codename != suite:
        raise ArchiveError(
            f"{suite}: the Release file there is of {codename!r}: this mirror is not what it is taken for."
        )
    try:
        date = _date(fields["Date"])
        valid_until = _date(fields["Valid-Until"]) if "Valid-Until" in fields else None
        files = {entry["name"]: _index_file(entry, fields) for entry in fields["SHA256"]}
    except (KeyError, ValueError) as error:
        raise ArchiveError(f"{suite}: its Release file cannot be read ({error!r}): use another mirror.") from error
    if valid_until is not None and valid_until < now:
        raise ArchiveError(
            f"{suite}: its Release file was valid until {valid_until:%Y-%m-%d %H:%M} UTC: the mirror is not kept up to "
            "date, or this machine's clock is wrong."
        )
    return Release(suite, date, valid_until, files)


def _index_file(entry: Mapping[str, str], fields: Mapping[str, object]) -> IndexFile:
    path = entry["name"]
    if fields.get("Acquire-By-Hash") == "yes":
        # Its content cannot change between reading the Release file and reading this.
        path = f"{path.rpartition('/')[0]}/by-hash/SHA256/{entry['sha256']}"
    return IndexFile(path, int(entry["size"]), entry["sha256"])


def _date(text: str) -> datetime:
    return datetime.strptime(text, _DATE).replace(tzinfo=UTC)
