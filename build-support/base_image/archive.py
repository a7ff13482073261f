"""What the archive offers: the verified package indexes of a mirror."""

from __future__ import annotations

import lzma
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from debian.deb822 import Packages

from base_image.errors import ArchiveError, HttpError
from base_image.http_client import HttpClient
from base_image.layout import SUITE
from base_image.mirrors import HOW_TO_NAME_ONE, MAIN, SECURITY, Mirror
from base_image.release import Release, parse_release
from base_image.signature import Verifier
from canonical import sha256_of

SUITES = ((SUITE, MAIN), (f"{SUITE}-updates", MAIN), (f"{SUITE}-security", SECURITY))
_RELEASE_LIMIT_BYTES = 8 * 1024 * 1024


@dataclass(frozen=True)
class Candidate:
    """One version of a package that a suite offers."""

    archive: str
    fields: Packages


class Archive:
    """The suites of one mirror. Reading a suite verifies its signature, reading an index verifies its hash."""

    def __init__(self, mirror: Mirror, client: HttpClient, verifier: Verifier, now: datetime) -> None:
        self._mirror = mirror
        self._client = client
        self._releases = [(archive, self._release(suite, archive, verifier, now)) for suite, archive in SUITES]

    @property
    def date(self) -> datetime:
        """The time of the newest Release file."""
        return max(release.date for _, release in self._releases)

    def candidates(self, architecture: str, names: Collection[str]) -> list[Candidate]:
        """Every version of the named packages. Raises `ArchiveError`."""
        found: list[Candidate] = []
        for archive, release in self._releases:
            text = self._index(archive, release, f"main/binary-{architecture}/Packages.xz")
            found.extend(Candidate(archive, fields) for fields in _paragraphs(text, names))
        return found

    def _release(self, suite: str, archive: str, verifier: Verifier, now: datetime) -> Release:
        content = self._get(archive, f"dists/{suite}/InRelease", _RELEASE_LIMIT_BYTES)
        return parse_release(verifier.signed_text(f"{suite}/InRelease", content), suite, now)

    def _index(self, archive: str, release: Release, path: str) -> str:
        index = release.index(path)
        content = self._get(archive, f"dists/{release.suite}/{index.path}", index.size)
        if len(content) != index.size or sha256_of(content) != index.sha256:
            raise ArchiveError(
                f"{release.suite}: {path} has sha256 {sha256_of(content)}, its signed Release file says "
                f"{index.sha256}: the mirror is being updated, or changes files. Try again, or use another mirror."
            )
        return lzma.decompress(content).decode()

    def _get(self, archive: str, path: str, limit_bytes: int) -> bytes:
        url = self._mirror.url(archive, path)
        if url is None:
            raise ArchiveError(f"{self._mirror.origin} names no {archive} archive. {HOW_TO_NAME_ONE}")
        try:
            return self._client.get(url, limit_bytes=limit_bytes)
        except HttpError as error:
            raise ArchiveError(f"{error} [{self._mirror.origin}]. {HOW_TO_NAME_ONE}") from error


def open_archive(mirrors: Sequence[Mirror], client: HttpClient, verifier: Verifier, now: datetime) -> Archive:
    """The first of `mirrors` whose suites can be read and believed. Raises `ArchiveError` with what each said."""
    reasons = []
    for mirror in mirrors:
        try:
            return Archive(mirror, client, verifier, now)
        except ArchiveError as error:
            if len(mirrors) == 1:
                raise
            reasons.append(str(error))
    raise ArchiveError("no mirror can be used: " + " | ".join(reasons))


def _paragraphs(text: str, names: Collection[str]) -> Iterator[Packages]:
    """Only the paragraphs wanted are parsed: an index has seventy thousand."""
    for paragraph in text.split("\n\n"):
        name = paragraph.partition("\n")[0].removeprefix("Package: ")
        if name in names:
            yield Packages(paragraph)
