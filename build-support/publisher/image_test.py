from __future__ import annotations

import gzip
import hashlib
import io
import json
import resource
import tarfile
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from canonical import Entry, read_tar, write_tar
from publisher import image as image_module
from publisher.archive import Archive, load_archive
from publisher.errors import ArchiveCorrupt, DiskFull
from publisher.example_archive import digest, rewrite_companions, write_archive
from publisher.image import Image, read_image
from publisher.oci import Manifest
from publisher.store import no_progress


def _read(archive: Archive, work: Path) -> Image:
    work.mkdir(exist_ok=True)
    return read_image(archive, work, no_progress)


def _repack(path: Path, change: Callable[[dict[str, Entry]], object]) -> Archive:
    """Change the files inside an archive, and make its metadata say that this is right."""
    entries = {entry.path: entry for entry in read_tar(io.BytesIO(gzip.decompress(path.read_bytes())))}
    change(entries)
    tar = io.BytesIO()
    write_tar(entries.values(), tar)
    return _rewrap(path, tar.getvalue(), gzip.compress(tar.getvalue(), mtime=0))


def _rewrap(path: Path, tar: bytes, packed: bytes) -> Archive:
    path.write_bytes(packed)
    metadata = json.loads(Path(f"{path}.json").read_bytes())
    metadata["archive"] |= {
        "size": len(packed),
        "sha256": hashlib.sha256(packed).hexdigest(),
        "tar_size": len(tar),
        "tar_sha256": hashlib.sha256(tar).hexdigest(),
    }
    rewrite_companions(path, metadata)
    return load_archive(path)


def test_manifest_names_every_blob_by_the_digest_of_its_bytes(tmp_path: Path) -> None:
    archive = load_archive(write_archive(tmp_path, "1.0.0", payload=b"hello"))
    image = _read(archive, tmp_path / "work")
    manifest = msgspec.json.decode(image.manifest.read(), type=Manifest)
    assert manifest.config.digest == archive.metadata.image.id
    named = [manifest.config, *manifest.layers]
    assert {blob.digest for blob in named} == set(image.blobs)
    for blob in named:
        data = image.blobs[blob.digest].read()
        assert (blob.digest, blob.size) == (digest(data), len(data))
    unpacked = [digest(gzip.decompress(image.blobs[layer.digest].read())) for layer in manifest.layers]
    assert unpacked == [layer.diff_id for layer in archive.metadata.image.layers]


def test_same_bytes_twice(tmp_path: Path) -> None:
    archive = load_archive(write_archive(tmp_path, "1.0.0"))
    first, second = _read(archive, tmp_path / "one"), _read(archive, tmp_path / "two")
    assert first.manifest == second.manifest
    # No time and no file name in the gzip header.
    assert {blob.read()[:8] for blob in first.blobs.values() if isinstance(blob.body, Path)} == {
        b"\x1f\x8b\x08" + b"\0" * 5
    }


def test_shared_layer_is_compressed_once(tmp_path: Path) -> None:
    work = tmp_path / "work"
    _read(load_archive(write_archive(tmp_path, "1.0.0", tier="oracle")), work)
    first = {path.name: path.stat().st_ino for path in work.glob("*.gz")}
    _read(load_archive(write_archive(tmp_path, "1.0.0", tier="guardian")), work)
    assert len(first) == 2
    assert {path.name: path.stat().st_ino for path in work.glob("*.gz")} == first


def test_layer_above_the_limit_is_several_gzip_members(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(image_module, "_MEMBER_BYTES", 4096)
    archive = load_archive(write_archive(tmp_path, "1.0.0", payload=bytes(range(256)) * 64))
    image = _read(archive, tmp_path / "work")
    layer = max((blob.read() for blob in image.blobs.values()), key=len)
    assert digest(gzip.decompress(layer)) == archive.metadata.image.layers[1].diff_id


def test_archive_of_several_gzip_members_is_read(tmp_path: Path) -> None:
    path = write_archive(tmp_path, "1.0.0")
    tar = gzip.decompress(path.read_bytes())
    archive = _rewrap(path, tar, gzip.compress(tar[:700]) + gzip.compress(tar[700:]))
    assert _read(archive, tmp_path / "work").blobs


def test_wrong_tar_sha256_is_refused(tmp_path: Path) -> None:
    path = write_archive(tmp_path, "1.0.0")
    archive = _rewrap(path, b"another tar", path.read_bytes())
    with pytest.raises(ArchiveCorrupt, match="the tar inside has sha256"):
        _read(archive, tmp_path / "work")


@pytest.mark.parametrize(
    "packed",
    [b"no gzip", gzip.compress(b"no tar" * 200), gzip.compress(b"cut" * 5000)[:-12]],
    ids=["plain", "tar", "cut"],
)
def test_what_is_no_gzip_of_a_tar_is_refused(tmp_path: Path, packed: bytes) -> None:
    archive = _rewrap(write_archive(tmp_path, "1.0.0"), b"", packed)
    with pytest.raises(ArchiveCorrupt, match="is no gzip of a tar"):
        _read(archive, tmp_path / "work")


def _blob(entries: dict[str, Entry], wanted: str) -> str:
    """The name of the blob that holds these words."""
    return next(name for name, entry in entries.items() if name.startswith("blobs") and wanted.encode() in entry.read())


def _set(entries: dict[str, Entry], name: str, data: bytes) -> None:
    entries[name] = Entry(name, "file", 0o644, content=data)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda e: _set(e, _blob(e, "os-release"), b"other"), "the bytes of blobs/sha256"),
        (lambda e: _set(e, _blob(e, "rootfs"), b"{}"), "the bytes of blobs/sha256"),
        (lambda e: e.pop(_blob(e, "os-release")), "are not inside"),
        (lambda e: e.pop(_blob(e, "schemaVersion")), "is not inside"),
        (lambda e: e.pop("index.json"), "index.json is not inside"),
        (lambda e: _set(e, "index.json", b"[]"), "index.json: Expected"),
        (lambda e: _set(e, "index.json", b'{"manifests":[]}'), "names 0 images"),
        (lambda e: _set(e, "extra", bytes(5 << 20)), "extra has 5242880 bytes"),
    ],
)
def test_damaged_image_is_refused(tmp_path: Path, change: Callable[[dict[str, Entry]], object], said: str) -> None:
    archive = _repack(write_archive(tmp_path, "1.0.0"), change)
    with pytest.raises(ArchiveCorrupt, match=said):
        _read(archive, tmp_path / "work")


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("id", "sha256:" + "0" * 64, "image.id in the metadata"),
        ("layers", [{"name": "base", "diff_id": "sha256:" + "0" * 64, "size": 1}], "image.layers in the metadata"),
    ],
)
def test_metadata_of_another_image_is_refused(tmp_path: Path, field: str, value: object, said: str) -> None:
    path = write_archive(tmp_path, "1.0.0")
    metadata = json.loads(Path(f"{path}.json").read_bytes())
    metadata["image"][field] = value
    rewrite_companions(path, metadata)
    with pytest.raises(ArchiveCorrupt, match=said):
        _read(load_archive(path), tmp_path / "work")


def test_image_of_another_architecture_is_refused(tmp_path: Path) -> None:
    path = write_archive(tmp_path, "1.0.0", architecture="amd64")
    metadata = json.loads(Path(f"{path}.json").read_bytes())
    renamed = tmp_path / "oracle-1.0.0-arm64.tar.gz"
    path.rename(renamed)
    metadata["architecture"], metadata["archive"]["file"] = "arm64", renamed.name
    rewrite_companions(renamed, metadata)
    with pytest.raises(ArchiveCorrupt, match="the image is for amd64"):
        _read(load_archive(renamed), tmp_path / "work")


def test_full_disk_for_layers_is_named(tmp_path: Path) -> None:
    archive = load_archive(write_archive(tmp_path, "1.0.0", payload=hashlib.sha512().digest() * 100))
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (64, hard))
    try:
        with pytest.raises(DiskFull, match="TMPDIR"):
            _read(archive, tmp_path / "work")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_example_is_a_tar_that_docker_load_knows(tmp_path: Path) -> None:
    with tarfile.open(write_archive(tmp_path, "1.0.0")) as tar:
        saved = json.loads(tar.extractfile("manifest.json").read())  # type: ignore[union-attr]
        names = set(tar.getnames())
    assert {saved[0]["Config"], *saved[0]["Layers"]} < names
