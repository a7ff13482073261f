"""The objects that must be there once a release is published, in the order in which they may appear."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from publisher import keys
from publisher.context import Context, Member
from publisher.errors import ObjectDamaged
from publisher.metadata import Architecture, Metadata
from publisher.oci import INDEX_TYPE, MANIFEST_TYPE, parse_manifest, tag
from publisher.pointer import Candidate, Decision, Entry, Pointer, Policy, decide
from publisher.release import Build, Release, check_revision
from publisher.store import Content, Headers

IMMUTABLE = "public, max-age=31536000, immutable"
NO_CACHE = "no-cache"

_GZIP, _TEXT, _JSON = "application/gzip", "text/plain; charset=utf-8", "application/json"
_BLOB = "application/octet-stream"

Kind = Literal["versioned", "addressed", "replaceable", "copy"]
"""versioned: never changes. addressed: its name is its hash. replaceable: `latest.json`, and tags that gain
architectures. copy: what follows `latest.json` for the convenience of people."""


@dataclass(frozen=True)
class Want:
    """An object that must be there. `source` is its bytes, the key to copy, or None for what was published before."""

    key: str
    kind: Kind
    sha256: str
    size: int
    content_type: str
    source: Content | str | None

    @property
    def replaceable(self) -> bool:
        """True for what may hold other bytes tomorrow."""
        return self.kind in ("replaceable", "copy")

    @property
    def headers(self) -> Headers:
        """What its readers get with it."""
        return Headers(self.content_type, NO_CACHE if self.replaceable else IMMUTABLE)


def wanted(release: Release, context: Context, policy: Policy, published: str) -> tuple[list[Want], Decision]:
    """The objects, and what becomes of `latest` at the time `published` (RFC 3339, Z).

    Raises `ArchivesDisagree` when the destination has another architecture of this version from another commit.
    """
    wants: list[Want] = []
    members: dict[Architecture, Member] = {}
    for architecture, build in release.builds.items():
        manifest = _manifest(build, context.published.get((release.version, architecture)))
        members[architecture] = Member(build.archive.metadata, build.archive.metadata_file, manifest)
        wants += [*_archive(build), *_image(build, manifest)]
    for (version, architecture), member in context.published.items():
        if version == release.version and architecture not in members:
            check_revision(release.tier, version, release.revision, member.metadata.revision, "the destination")
            members[architecture] = member
            wants.append(_must_be(member.metadata))
    wants += _tag(release.tier, release.version, members, "replaceable")
    decision = decide(context.pointer, _candidate(release, members), policy, published)
    latest = _members_of(
        decision.pointer, {**context.published, **{(release.version, a): m for a, m in members.items()}}
    )
    if decision.pointer.version != release.version:
        wants += [_must_be(member.metadata) for member in latest.values()]
    wants += _latest(decision.pointer, latest)
    if decision.moves:
        # Last of all: this one write is what makes the version the latest.
        wants.append(_bytes(keys.pointer(release.tier), "replaceable", decision.pointer.content(), _JSON))
    return wants, decision


def _bytes(key: str, kind: Kind, content: Content, content_type: str) -> Want:
    return Want(key, kind, content.sha256, content.size, content_type, content)


def _must_be(metadata: Metadata) -> Want:
    """The archive of a build that was published before and that something will point at."""
    key = keys.versioned(metadata.tier, metadata.version, metadata.architecture).archive
    return Want(key, "versioned", metadata.archive.sha256, metadata.archive.size, _GZIP, None)


def _archive(build: Build) -> Iterator[Want]:
    metadata = build.archive.metadata
    names = keys.versioned(metadata.tier, metadata.version, metadata.architecture)
    # The archive comes first: of two publishers with different bytes, the one that loses here writes nothing else.
    yield _bytes(names.archive, "versioned", build.archive.archive, _GZIP)
    yield _bytes(names.checksum, "versioned", build.archive.checksum, _TEXT)
    yield _bytes(names.metadata, "versioned", build.archive.metadata_file, _JSON)


def _manifest(build: Build, there: Member | None) -> Content:
    """This build's manifest, or the published one of the same image, which another libdeflate may have compressed."""
    if there and parse_manifest(there.manifest.read()).config.digest == build.archive.metadata.image.id:
        return there.manifest
    return build.image.manifest


def _image(build: Build, manifest: Content) -> Iterator[Want]:
    """The blobs, then the manifest that names them, then the tag that names the manifest."""
    tier, version = build.archive.metadata.tier, build.archive.metadata.version
    parsed = parse_manifest(manifest.read())
    for blob in (parsed.config, *parsed.layers):
        sha256 = blob.digest.removeprefix("sha256:")
        source = build.image.blobs.get(blob.digest)
        yield Want(keys.blob(tier, blob.digest), "addressed", sha256, blob.size, _BLOB, source)
    yield _bytes(keys.manifest(tier, f"sha256:{manifest.sha256}"), "addressed", manifest, MANIFEST_TYPE)
    architecture_tag = keys.architecture_tag(version, build.archive.metadata.architecture)
    yield _bytes(keys.manifest(tier, architecture_tag), "versioned", manifest, MANIFEST_TYPE)


def _tag(tier: str, name: str, members: Mapping[Architecture, Member], kind: Kind) -> Iterator[Want]:
    """A tag of one image or of several; the index of several is there by its digest first."""
    content, media_type = tag({architecture: member.manifest for architecture, member in members.items()})
    if media_type == INDEX_TYPE:
        yield _bytes(keys.manifest(tier, f"sha256:{content.sha256}"), "addressed", content, media_type)
    yield _bytes(keys.manifest(tier, name), kind, content, media_type)


def _candidate(release: Release, members: Mapping[Architecture, Member]) -> Candidate:
    entries = {architecture: _entry(member) for architecture, member in members.items()}
    return Candidate(release.tier, release.version, release.revision, release.created, entries)


def _entry(member: Member) -> Entry:
    metadata, facts = member.metadata, member.metadata.archive
    return Entry(
        file=facts.file,
        path=keys.versioned(metadata.tier, metadata.version, metadata.architecture).archive,
        size=facts.size,
        sha256=facts.sha256,
        tar_sha256=facts.tar_sha256,
        image_id=metadata.image.id,
        manifest=f"sha256:{member.manifest.sha256}",
    )


def _members_of(pointer: Pointer, known: Mapping[tuple[str, Architecture], Member]) -> dict[Architecture, Member]:
    """The builds that `latest.json` names."""
    members = {}
    for architecture in pointer.architectures:
        member = known.get((pointer.version, architecture))
        if member is None:
            tag_key = keys.manifest(pointer.tier, keys.architecture_tag(pointer.version, architecture))
            raise ObjectDamaged(
                f"{keys.pointer(pointer.tier)} says {pointer.version} for {architecture}, and {tag_key} is gone. "
                f"Publish {pointer.version} for {architecture} again."
            )
        members[architecture] = member
    return members


def _latest(pointer: Pointer, members: Mapping[Architecture, Member]) -> Iterator[Want]:
    """The copies for people, and the `latest` tag."""
    for architecture, member in members.items():
        source = keys.versioned(pointer.tier, pointer.version, architecture)
        target = keys.latest(pointer.tier, architecture)
        facts, file = member.metadata.archive, member.metadata_file
        checksum = Content.of(f"{facts.sha256}  {target.file}\n".encode())
        yield Want(target.archive, "copy", facts.sha256, facts.size, _GZIP, source.archive)
        yield _bytes(target.checksum, "copy", checksum, _TEXT)
        yield Want(target.metadata, "copy", file.sha256, file.size, _JSON, source.metadata)
    yield from _tag(pointer.tier, "latest", members, "copy")
