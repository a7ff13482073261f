"""`latest.json`: the one object whose change makes a version the latest, and the rules for changing it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Literal

import msgspec

from noderr.types import Version
from publisher.errors import ObjectDamaged
from publisher.metadata import Architecture, Bytes, Digest, Hex, Instant, Tier
from publisher.store import Content


class Entry(msgspec.Struct, frozen=True):
    """One architecture of the latest version. `path` is the archive's key: it never changes once written.

    `manifest` is the digest of its image in the read-only registry, `image_id` the id that `docker images` shows.
    """

    file: str
    path: str
    size: Bytes
    sha256: Hex
    tar_sha256: Hex
    image_id: Digest
    manifest: Digest


class Pointer(msgspec.Struct, frozen=True):
    """What is latest. `sequence` grows with every change, a roll-back too, so a reader can refuse an older pointer."""

    schema: Literal[1]
    tier: Tier
    version: str
    sequence: Annotated[int, msgspec.Meta(ge=1)]
    revision: str
    created: Instant
    published: Instant
    architectures: dict[Architecture, Entry]

    def __post_init__(self) -> None:
        Version(self.version)

    def content(self) -> Content:
        """The bytes of `latest.json`."""
        return Content.of(msgspec.json.format(msgspec.json.encode(self), indent=2) + b"\n")


@dataclass(frozen=True)
class Policy:
    """What the publisher may do to `latest` that is not plain progress."""

    allow_rollback: bool = False
    allow_missing_architecture: bool = False


@dataclass(frozen=True)
class Candidate:
    """What could become the latest: a version with every architecture of it that is published."""

    tier: str
    version: str
    revision: str
    created: str
    architectures: Mapping[Architecture, Entry]


@dataclass(frozen=True)
class Decision:
    """`pointer` is what `latest.json` shall say, `moves` whether that is news, `reason` why, for people."""

    pointer: Pointer
    moves: bool
    reason: str


def parse_pointer(data: bytes, key: str) -> Pointer:
    """Check a `latest.json`. Raises `ObjectDamaged`."""
    try:
        return msgspec.json.decode(data, type=Pointer)
    except msgspec.MsgspecError as error:
        raise ObjectDamaged(
            f"{key} is not readable: {error}. Restore it or delete it, then publish the latest version again."
        ) from error


def decide(current: Pointer | None, candidate: Candidate, policy: Policy, published: str) -> Decision:
    """Whether `candidate` becomes the latest. `published` is the time of the decision (RFC 3339, Z)."""
    moved = Pointer(
        schema=1,
        tier=candidate.tier,
        version=candidate.version,
        sequence=current.sequence + 1 if current else 1,
        revision=candidate.revision,
        created=candidate.created,
        published=published,
        architectures=dict(sorted(candidate.architectures.items())),
    )
    if current is None:
        return Decision(moved, True, "the first version")
    if held_back := _held_back(current, candidate, policy):
        return Decision(current, False, held_back)
    if current.version == candidate.version:
        if current.architectures == moved.architectures:
            return Decision(current, False, f"{current.version} is the latest already")
        return Decision(moved, True, f"{candidate.version} now has {', '.join(moved.architectures)}")
    return Decision(moved, True, f"{current.version} → {candidate.version}")


def _held_back(current: Pointer, candidate: Candidate, policy: Policy) -> str:
    """Why `latest` must stay, or nothing."""
    ours, latest = Version(candidate.version), Version(current.version)
    if ours < latest and not policy.allow_rollback:
        return f"latest is {latest}, which is newer than {ours}; to go back say --allow-rollback"
    # Whoever follows `latest` did not ask for release candidates.
    if ours > latest and ours.is_prerelease and not latest.is_prerelease:
        return f"{ours} is a pre-release and latest is the release {latest}"
    lost = sorted(set(current.architectures) - set(candidate.architectures))
    if lost and not policy.allow_missing_architecture:
        return (
            f"latest has {', '.join(lost)} and {ours} has not; publish that archive too, or say "
            "--allow-missing-architecture"
        )
    return ""
