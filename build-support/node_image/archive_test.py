from __future__ import annotations

import errno
import gzip
import hashlib
import io
import json
import os
import subprocess
import tarfile
from pathlib import Path
from typing import Any, BinaryIO

import pytest

from node_image import archive
from node_image.archive_files import archive_name, create_file, write_archive
from node_image.config import engine_config
from node_image.conftest import RELEASE, TOOLS, Workshop, changed
from node_image.errors import ArchiveWriteError, LayerError
from node_image.facts import read_facts
from node_image.image_tar import image_tar
from node_image.release import Release

NAME = "guardian-1.2.3.tar.gz"


@pytest.fixture
def layers(shop: Workshop) -> Path:
    return shop.make()[0]


def _main(layers: Path, out: Path, **options: str) -> int:
    given = {"version": "1.2.3", "revision": "0123abc", "created": "1760000000", **options}
    flags = [word for name, value in given.items() for word in (f"--{name}", value)]
    return archive.main(["--layers", str(layers), "--out", str(out), *flags])


def test_same_bytes_twice(layers: Path, tmp_path: Path) -> None:
    first = archive.assemble(layers, RELEASE, TOOLS, tmp_path / "one")
    before = os.umask(0o077)
    try:
        second = archive.assemble(layers, RELEASE, TOOLS, tmp_path / "two")
    finally:
        os.umask(before)
    for suffix in ("", ".sha256", ".json"):
        one, two = (Path(f"{written.archive}{suffix}").read_bytes() for written in (first, second))
        assert one == two


def test_exactly_three_files_are_written(layers: Path, tmp_path: Path) -> None:
    archive.assemble(layers, RELEASE, TOOLS, tmp_path / "out")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [NAME, f"{NAME}.json", f"{NAME}.sha256"]


def test_sha256sum_and_gunzip_accept_it(layers: Path, tmp_path: Path) -> None:
    archive.assemble(layers, RELEASE, TOOLS, tmp_path)
    for command in (["sha256sum", "-c", f"{NAME}.sha256"], ["gunzip", "-t", NAME], ["tar", "tzf", NAME]):
        subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)


def test_metadata_says_what_is_there(layers: Path, tmp_path: Path) -> None:
    written = archive.assemble(layers, RELEASE, TOOLS, tmp_path)
    packed = written.archive.read_bytes()
    document = json.loads((tmp_path / f"{NAME}.json").read_text())
    assert document == written.metadata
    assert document["archive"]["sha256"] == hashlib.sha256(packed).hexdigest()
    assert document["archive"]["tar_sha256"] == hashlib.sha256(gzip.decompress(packed)).hexdigest()
    assert document["archive"]["size"] == len(packed)
    assert document["image"]["tags"] == ["noderr-guardian:1.2.3", "noderr-guardian:latest"]
    assert [layer["name"] for layer in document["image"]["layers"]] == ["base", "shared", "own", "source"]
    assert document["packages"] == {
        "present": ["risk-engine", "core", "types"],
        "missing": ["guardian-consensus", "telemetry", "utils"],
    }
    assert document["debian"] == {"lock_sha256": "0" * 64, "packages": {"libc6": "2.41-12"}}
    assert document["build"] == {"pants": "2.17.1", "pex": "2.105", "python": "3.13.5"}
    assert (document["schema"], document["tier"], document["version"]) == (1, "guardian", "1.2.3")
    assert (document["revision"], document["created"]) == ("0123abc", "2025-10-09T08:53:20Z")


def test_a_services_archive_says_which_service(service_shop: Workshop, tmp_path: Path) -> None:
    written = archive.assemble(service_shop.make()[0], RELEASE, TOOLS, tmp_path)
    assert written.archive.name == "coordinator-1.2.3.tar.gz"
    assert (written.metadata["service"], "tier" in written.metadata) == ("coordinator", False)
    assert written.metadata["image"]["tags"] == ["noderr-coordinator:1.2.3", "noderr-coordinator:latest"]
    assert written.metadata["packages"] == {
        "present": ["coordinator", "core", "types"],
        "missing": ["telemetry", "utils"],
    }
    names = sorted(path.name for path in tmp_path.glob("coordinator-*"))
    assert names == [f"coordinator-1.2.3.tar.gz{suffix}" for suffix in ("", ".json", ".sha256")]


def test_both_indexes_lead_to_the_same_image(layers: Path, tmp_path: Path) -> None:
    written = archive.assemble(layers, RELEASE, TOOLS, tmp_path)
    with tarfile.open(written.archive) as tar:
        blobs = {member.name: tar.extractfile(member).read() for member in tar if member.isfile()}  # type: ignore[union-attr]
        assert {member.mtime for member in tar} == {RELEASE.created_seconds}
        assert tar.getnames() == sorted(tar.getnames())
    for path, content in blobs.items():
        if path.startswith("blobs/"):
            assert path == f"blobs/sha256/{hashlib.sha256(content).hexdigest()}"

    def follow(digest: str) -> Any:
        return json.loads(blobs[digest.replace("sha256:", "blobs/sha256/")])

    [docker] = json.loads(blobs["manifest.json"])
    index = json.loads(blobs["index.json"])
    manifests = [follow(descriptor["digest"]) for descriptor in index["manifests"]]
    assert [f"blobs/{manifest['config']['digest'].replace(':', '/')}" for manifest in manifests] == [
        docker["Config"]
    ] * 2
    assert [f"blobs/{layer['digest'].replace(':', '/')}" for layer in manifests[0]["layers"]] == docker["Layers"]
    assert follow(manifests[0]["config"]["digest"])["rootfs"]["diff_ids"] == [
        layer["digest"] for layer in manifests[0]["layers"]
    ]
    names = [descriptor["annotations"]["io.containerd.image.name"] for descriptor in index["manifests"]]
    assert [name.rpartition("/")[2] for name in names] == docker["RepoTags"]


def test_another_commit_is_another_archive_over_the_same_layers(layers: Path, tmp_path: Path) -> None:
    first = archive.assemble(layers, RELEASE, TOOLS, tmp_path / "one")
    second = archive.assemble(layers, Release("1.2.3", "fedcba", 1_770_000_000), TOOLS, tmp_path / "two")
    assert first.metadata["archive"]["sha256"] != second.metadata["archive"]["sha256"]
    assert first.metadata["image"]["layers"] == second.metadata["image"]["layers"]


def test_arm64_is_named_in_the_file(shop: Workshop, tmp_path: Path) -> None:
    assert archive_name("oracle", "1.0.0", "amd64") == "oracle-1.0.0.tar.gz"
    facts = json.loads(shop.inputs.base_facts.read_text())
    shop.inputs.base_facts.write_text(json.dumps({**facts, "architecture": "arm64"}))
    layers, _ = changed(shop, architecture="arm64").make()
    written = archive.assemble(layers, RELEASE, TOOLS, tmp_path)
    assert written.archive.name == "guardian-1.2.3-arm64.tar.gz"
    assert written.metadata["architecture"] == "arm64"


def test_a_layer_that_was_changed_is_refused(layers: Path, tmp_path: Path) -> None:
    (layers / "source.tar").write_bytes(b"")
    with pytest.raises(LayerError, match=r"source\.tar: is not the layer"):
        archive.assemble(layers, RELEASE, TOOLS, tmp_path / "out")


def test_the_command_writes_and_says_so(layers: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _main(layers, tmp_path / "out") == 0
    sha256 = json.loads((tmp_path / f"out/{NAME}.json").read_text())["archive"]["sha256"]
    assert f"{NAME}: 0.0 MB, sha256 {sha256}" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "reason"),
    [({"version": "1.2"}, "VERSION: '1.2' is no semantic version"), ({"revision": " "}, "the revision is empty")],
)
def test_the_command_refuses_bad_input(
    layers: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], options: dict[str, str], reason: str
) -> None:
    assert _main(layers, tmp_path / "out", **options) == 1
    assert f"node_image.archive: {reason}" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


class _FullDisk(io.BufferedRandom):
    """A file on a disk that has room for `room_bytes` more."""

    room_bytes = 0

    def write(self, data: Any) -> int:
        self.room_bytes -= len(data)
        if self.room_bytes < 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return super().write(data)


@pytest.mark.parametrize("full", ["tar", NAME, f"{NAME}.sha256", f"{NAME}.json"])
@pytest.mark.parametrize("room_bytes", [0, 10])
def test_a_full_disk_is_a_clear_error_and_leaves_nothing(
    layers: Path, tmp_path: Path, full: str, room_bytes: int
) -> None:
    def open_file(path: Path) -> BinaryIO:
        if path.name != full:
            return create_file(path)
        path.touch()
        handle = _FullDisk(io.FileIO(path, "r+"))
        handle.room_bytes = room_bytes
        return handle

    facts = read_facts(layers / "image.json")
    config = engine_config(facts.description, RELEASE, "amd64")
    image = image_tar(config, facts.layers, layers, facts.description.repository)
    out = tmp_path / "out"
    with pytest.raises(ArchiveWriteError, match=r"guardian-1\.2\.3\.tar\.gz: could not be written \(No space left"):
        write_archive(image, facts, TOOLS, out, open_file=open_file)
    assert list(out.iterdir()) == []


def test_a_failed_export_leaves_the_last_good_one_alone(layers: Path, tmp_path: Path) -> None:
    good = archive.assemble(layers, RELEASE, TOOLS, tmp_path).archive.read_bytes()

    def open_file(path: Path) -> BinaryIO:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    facts = read_facts(layers / "image.json")
    image = image_tar(
        engine_config(facts.description, RELEASE, "amd64"), facts.layers, layers, facts.description.repository
    )
    with pytest.raises(ArchiveWriteError):
        write_archive(image, facts, TOOLS, tmp_path, open_file=open_file)
    assert (tmp_path / NAME).read_bytes() == good


def test_a_folder_that_cannot_be_written_is_a_clear_error(layers: Path, tmp_path: Path) -> None:
    (tmp_path / "out").write_text("a file")
    with pytest.raises(ArchiveWriteError, match="could not be written.*choose another --out"):
        archive.assemble(layers, RELEASE, TOOLS, tmp_path / "out")
