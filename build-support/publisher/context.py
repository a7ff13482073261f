"""What a plan must know of the destination before it is made: what is latest, and which builds are whole."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import msgspec

from publisher import keys
from publisher.errors import ObjectDamaged
from publisher.metadata import ARCHITECTURES, Architecture, Metadata, parse_metadata
from publisher.oci import parse_manifest
from publisher.pointer import Pointer, parse_pointer
from publisher.release import Release
from publisher.store import Content, Seen, Store


@dataclass(frozen=True)
class Member:
    """One architecture of a version: its metadata, parsed and as published, and its image's manifest."""

    metadata: Metadata
    metadata_file: Content
    manifest: Content


@dataclass(frozen=True)
class Context:
    """`latest.json` with what it was `seen` as, and the whole builds of its version and of the release's version."""

    pointer: Pointer | None
    seen: Seen | None
    published: Mapping[tuple[str, Architecture], Member]


def read_context(store: Store, release: Release) -> Context:
    """Read what is latest, then the builds that a plan for `release` may point at."""
    key = keys.pointer(release.tier)
    found = store.read(key)
    pointer = parse_pointer(found.data, key) if found else None
    seen = Seen(Content.of(found.data).sha256, found.etag) if found else None
    versions = {release.version, pointer.version} if pointer else {release.version}
    published = {}
    for version in sorted(versions):
        for architecture in ARCHITECTURES:
            if (member := _read_member(store, release.tier, version, architecture)) is not None:
                published[version, architecture] = member
    return Context(pointer, seen, published)


def _read_member(store: Store, tier: str, version: str, architecture: Architecture) -> Member | None:
    """A build whose tag is there: the tag is written after everything else of its build."""
    tag_key = keys.manifest(tier, keys.architecture_tag(version, architecture))
    metadata_key = keys.versioned(tier, version, architecture).metadata
    tag = store.read(tag_key)
    if tag is None:
        return None
    metadata = store.read(metadata_key)
    if metadata is None:
        raise ObjectDamaged(
            f"{metadata_key} is gone, {tag_key} is there. Delete {tag_key} and publish {version} again."
        )
    try:
        parse_manifest(tag.data)
        return Member(parse_metadata(metadata.data), Content.of(metadata.data), Content.of(tag.data))
    except msgspec.MsgspecError as error:
        raise ObjectDamaged(
            f"{tag_key} or {metadata_key}: {error}. Delete both and publish {version} again."
        ) from error
