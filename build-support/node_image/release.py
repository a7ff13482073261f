"""What distinguishes one release of an image from the next: version, commit and the commit's time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from node_image.errors import ReleaseError
from noderr.types import Version

VERSION_LABEL = "org.opencontainers.image.version"
REVISION_LABEL = "org.opencontainers.image.revision"
CREATED_LABEL = "org.opencontainers.image.created"
ARCHITECTURES = ("amd64", "arm64")

_TIME_FORMAT = "%Y-%m-%dT%H:%M:%SZ"


@dataclass(frozen=True)
class Release:
    """One release; `created_seconds` is the commit's time, in seconds since the epoch. Raises `ReleaseError`."""

    version: str
    revision: str
    created_seconds: int

    def __post_init__(self) -> None:
        try:
            Version(self.version)
        except ValueError as error:
            raise ReleaseError(f"VERSION: {error}") from error
        if self.version.endswith(tuple(f"-{architecture}" for architecture in ARCHITECTURES)):
            # The archive of 1.0.0 for arm64 and of 1.0.0-arm64 for amd64 would have one name.
            raise ReleaseError(f"version {self.version!r} must not end with the name of an architecture")
        if not self.revision.strip():
            raise ReleaseError("the revision is empty: give the commit that is built")
        # Tar has no time before 1970, and RFC 3339 none after the year 9999.
        if not 0 <= self.created_seconds < 253_402_300_800:
            raise ReleaseError(f"created = {self.created_seconds}: give the commit's time in seconds since 1970")

    @property
    def created(self) -> str:
        """The commit's time as RFC 3339 in UTC."""
        return datetime.fromtimestamp(self.created_seconds, UTC).strftime(_TIME_FORMAT)

    @property
    def labels(self) -> dict[str, str]:
        """The labels of an image that change from release to release."""
        return {VERSION_LABEL: self.version, REVISION_LABEL: self.revision, CREATED_LABEL: self.created}


def release_of(labels: Mapping[str, str]) -> Release:
    """The release that an image says it is. Raises `ReleaseError` when a label is missing or unreadable."""
    for label in (VERSION_LABEL, REVISION_LABEL, CREATED_LABEL):
        if not labels.get(label):
            raise ReleaseError(f"the image has no label {label}: build it with ./pants package …:image")
    try:
        created = datetime.strptime(labels[CREATED_LABEL], _TIME_FORMAT).replace(tzinfo=UTC)
    except ValueError as error:
        text = labels[CREATED_LABEL]
        raise ReleaseError(f"label {CREATED_LABEL} = {text!r}: write it like 2025-01-31T12:00:00Z") from error
    return Release(labels[VERSION_LABEL], labels[REVISION_LABEL], int(created.timestamp()))
