"""What every reader of a release does: follow `latest.json` to keys that never change, and believe only hashes."""

from __future__ import annotations

from dataclasses import dataclass

from publisher import keys
from publisher.errors import ObjectDamaged
from publisher.metadata import Architecture, parse_metadata
from publisher.oci import parse_manifest
from publisher.pointer import Pointer, parse_pointer
from publisher.store import Store, no_progress


@dataclass(frozen=True)
class Verified:
    """A tier whose latest version is whole."""

    pointer: Pointer
    objects: int


def verify_latest(store: Store, tier: str) -> Verified | None:
    """Read everything that `latest.json` of a tier leads to, None when nothing was published yet.

    Raises `ObjectDamaged` naming the first object that is missing or has other bytes.
    """
    key = keys.pointer(tier)
    found = store.read(key)
    if found is None:
        return None
    pointer = parse_pointer(found.data, key)
    objects = 1
    for architecture, entry in pointer.architectures.items():
        names = keys.versioned(tier, pointer.version, architecture)
        _check(store, entry.path, entry.sha256)
        line = _read(store, names.checksum).decode()
        if line.split() not in ([entry.sha256, entry.file], [entry.sha256, f"*{entry.file}"]):
            raise ObjectDamaged(f"{names.checksum} says {line!r}, {key} says {entry.sha256}")
        metadata = parse_metadata(_read(store, names.metadata))
        if metadata.archive.sha256 != entry.sha256 or metadata.image.id != entry.image_id:
            raise ObjectDamaged(f"{names.metadata} is of {metadata.archive.sha256}, {key} says {entry.sha256}")
        objects += 3 + _verify_image(store, tier, pointer.version, architecture, entry.manifest)
    return Verified(pointer, objects)


def _verify_image(store: Store, tier: str, version: str, architecture: Architecture, manifest: str) -> int:
    """The image in the read-only registry: the tag's manifest and every blob that it names."""
    tag_key = keys.manifest(tier, keys.architecture_tag(version, architecture))
    _check(store, tag_key, manifest.removeprefix("sha256:"))
    parsed = parse_manifest(_read(store, keys.manifest(tier, manifest)))
    blobs = [parsed.config, *parsed.layers]
    for blob in blobs:
        _check(store, keys.blob(tier, blob.digest), blob.digest.removeprefix("sha256:"))
    return 2 + len(blobs)


def _read(store: Store, key: str) -> bytes:
    found = store.read(key)
    if found is None:
        raise ObjectDamaged(f"{key} is not there, and latest.json leads to it")
    return found.data


def _check(store: Store, key: str, sha256: str) -> None:
    seen = store.digest(key, no_progress)
    if seen is None or seen.sha256 != sha256:
        raise ObjectDamaged(
            f"{key} must have the sha256 {sha256} and {f'has {seen.sha256}' if seen else 'is not there'}"
        )
