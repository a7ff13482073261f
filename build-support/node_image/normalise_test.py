"""Whatever an engine wrote, the bytes are the assembler's; synthetic saves in each engine's style."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from canonical import CanonicalLayerError
from node_image import normalise as command
from node_image.archive import assemble
from node_image.config import engine_config
from node_image.conftest import MANIFEST, RELEASE, TOOLS, Workshop
from node_image.description import LAYER_NAMES, describe
from node_image.errors import SavedImageError
from node_image.normalise import normalise
from noderr.types.tier import parse_manifest

CONFIG = engine_config(describe(parse_manifest(MANIFEST)), RELEASE, "amd64")
Files = dict[str, bytes]


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _as_an_engine_writes(layer: bytes) -> bytes:
    """The same files in another order, with other times, with names of users and with the root directory."""
    out = io.BytesIO()
    with tarfile.open(fileobj=io.BytesIO(layer)) as source, tarfile.open(fileobj=out, mode="w") as target:
        root = tarfile.TarInfo("./")
        root.type, root.mode = tarfile.DIRTYPE, 0o755
        target.addfile(root)
        for info in reversed(source.getmembers()):
            info.mtime, info.uname, info.name = 1_700_000_000, "root", f"./{info.name}"
            target.addfile(info, source.extractfile(info) if info.isreg() else None)
    return out.getvalue()


@dataclass(frozen=True)
class Bench:
    """Layers, and a place for what an engine saved of them."""

    layers: Path
    folder: Path

    def engine_layers(self) -> list[bytes]:
        return [_as_an_engine_writes((self.layers / f"{name}.tar").read_bytes()) for name in LAYER_NAMES]

    def sha256(self, files: Files) -> str:
        saved = self.folder / "saved.tar"
        with tarfile.open(saved, "w") as tar:
            for path, content in files.items():
                info = tarfile.TarInfo(path)
                info.size = len(content)
                tar.addfile(info, io.BytesIO(content))
        return self.normalise(saved)

    def normalise(self, saved: Path) -> str:
        written = normalise(saved, self.layers / "image.json", TOOLS, self.folder / "normalised")
        return str(written.metadata["archive"]["sha256"])

    def assembled(self) -> str:
        return str(assemble(self.layers, RELEASE, TOOLS, self.folder / "assembled").metadata["archive"]["sha256"])


@pytest.fixture
def bench(shop: Workshop, tmp_path: Path) -> Bench:
    return Bench(shop.make()[0], tmp_path)


def _config(layers: list[bytes], **changes: Any) -> bytes:
    rootfs = {"type": "layers", "diff_ids": [f"sha256:{_digest(layer)}" for layer in layers]}
    return json.dumps({**CONFIG, "created": "2026-01-01T00:00:00Z", "rootfs": rootfs, **changes}).encode()


def _legacy(layers: list[bytes], **changes: Any) -> Files:
    """Engines before 25: one folder a layer, and a configuration that is named after its digest."""
    config = _config(layers, docker_version="20.10.24", container="f00", **changes)
    files = {f"{_digest(layer)}/layer.tar": layer for layer in layers}
    manifest = [{"Config": f"{_digest(config)}.json", "RepoTags": ["x:1"], "Layers": list(files)}]
    return {**files, f"{_digest(config)}.json": config, "manifest.json": json.dumps(manifest).encode()}


def _layout(layers: list[bytes], pack: Callable[[bytes], bytes], **changes: Any) -> Files:
    """BuildKit and the containerd store: an OCI layout, here with an attestation and an index inside the index."""
    files: Files = {"oci-layout": b"{}"}

    def add(content: bytes) -> str:
        files[f"blobs/sha256/{_digest(content)}"] = content
        return f"sha256:{_digest(content)}"

    def document(**fields: Any) -> str:
        return add(json.dumps(fields).encode())

    packed = [{"digest": add(pack(layer))} for layer in layers]
    image = document(config={"digest": add(_config(layers, **changes))}, layers=packed)
    proof = document(config={"digest": add(b'{"architecture":"unknown"}')}, layers=[])
    manifest_type = "application/vnd.oci.image.manifest.v1+json"
    inner = document(
        manifests=[
            {"mediaType": manifest_type, "digest": image},
            {
                "mediaType": manifest_type,
                "digest": proof,
                "annotations": {"vnd.docker.reference.type": "attestation-manifest"},
            },
        ]
    )
    outer = {"manifests": [{"mediaType": "application/vnd.oci.image.index.v1+json", "digest": inner}] * 2}
    return {**files, "index.json": json.dumps(outer).encode()}


def test_a_legacy_save_gives_the_assembled_bytes(bench: Bench) -> None:
    assert bench.sha256(_legacy(bench.engine_layers())) == bench.assembled()


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_an_oci_layout_gives_the_assembled_bytes(bench: Bench, pack: Callable[[bytes], bytes]) -> None:
    assert bench.sha256(_layout(bench.engine_layers(), pack)) == bench.assembled()


def test_the_archive_itself_gives_its_own_bytes(bench: Bench) -> None:
    assembled = assemble(bench.layers, RELEASE, TOOLS, bench.folder / "assembled")
    assert bench.normalise(assembled.archive) == bench.assembled()


def test_an_engine_that_runs_the_image_as_root_shows(bench: Bench) -> None:
    config = {**CONFIG["config"], "User": "0"}
    assert bench.sha256(_legacy(bench.engine_layers(), config=config)) != bench.assembled()


def test_one_byte_in_a_layer_shows(bench: Bench) -> None:
    layers = bench.engine_layers()
    layers[3] = layers[3].replace(b"TIER = 'guardian'", b"TIER = 'guardiaN'")
    assert bench.sha256(_legacy(layers)) != bench.assembled()


def test_the_mode_of_a_file_shows(bench: Bench) -> None:
    layers = bench.engine_layers()
    out = io.BytesIO()
    with tarfile.open(fileobj=io.BytesIO(layers[0])) as source, tarfile.open(fileobj=out, mode="w") as target:
        for info in source:
            info.mode = 0o755 if info.name.endswith("passwd") else info.mode
            target.addfile(info, source.extractfile(info) if info.isreg() else None)
    layers[0] = out.getvalue()
    assert bench.sha256(_legacy(layers)) != bench.assembled()


def _without(path: str) -> Callable[[Files], Files]:
    return lambda files: {name: content for name, content in files.items() if name != path}


def _damaged(files: Files) -> Files:
    [*_, layer] = [path for path in files if path.endswith("layer.tar")]
    return {**files, layer: files[layer] + bytes(512)}


def _twice(files: Files) -> Files:
    [image] = json.loads(files["manifest.json"])
    other = {**json.loads(files[image["Config"]]), "author": "somebody"}
    both = [image, {**image, "Config": "other.json"}]
    return {**files, "other.json": json.dumps(other).encode(), "manifest.json": json.dumps(both).encode()}


def _zstd(files: Files) -> Files:
    [*_, layer] = [path for path in files if path.endswith("layer.tar")]
    return {**files, layer: b"\x28\xb5\x2f\xfd" + files[layer]}


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (_without("manifest.json"), "has neither manifest.json nor index.json"),
        (lambda files: {**files, "manifest.json": b"{"}, "manifest.json is not JSON"),
        (lambda files: {**files, "manifest.json": b"[]"}, r"holds 0 images for amd64 \(found: none\)"),
        (_twice, "holds 2 images for amd64"),
        (_damaged, r"layer \S+layer.tar is not sha256:\S+; save the image again"),
        (_zstd, "is zstd-compressed"),
    ],
)
def test_a_save_that_is_not_one_image_is_refused(bench: Bench, change: Callable[[Files], Files], reason: str) -> None:
    with pytest.raises(SavedImageError, match=reason):
        bench.sha256(change(_legacy(bench.engine_layers())))


def test_a_save_with_a_layer_missing_in_it_is_refused(bench: Bench) -> None:
    files = _legacy(bench.engine_layers())
    [*_, layer] = [path for path in files if path.endswith("layer.tar")]
    with pytest.raises(SavedImageError, match=f"{layer} is missing in it"):
        bench.sha256(_without(layer)(files))


def test_a_fifth_layer_is_refused(bench: Bench) -> None:
    layers = bench.engine_layers()
    with pytest.raises(SavedImageError, match="has 5 layers; ours have four"):
        bench.sha256(_legacy([*layers, layers[3] + bytes(512)]))


def test_an_image_of_another_tier_is_refused(bench: Bench) -> None:
    labels = {**CONFIG["config"]["Labels"], "io.noderr.tier": "oracle"}
    with pytest.raises(SavedImageError, match=r"io\.noderr\.tier is 'oracle', but the layers are of guardian"):
        bench.sha256(_legacy(bench.engine_layers(), config={**CONFIG["config"], "Labels": labels}))


def test_a_tiers_image_is_not_a_services(bench: Bench, service_shop: Workshop) -> None:
    saved = assemble(bench.layers, RELEASE, TOOLS, bench.folder / "assembled").archive
    service, _ = service_shop.make()
    with pytest.raises(SavedImageError, match=r"io\.noderr\.service is None, but the layers are of coordinator"):
        normalise(saved, service / "image.json", TOOLS, bench.folder)


def test_a_services_archive_gives_its_own_bytes(service_shop: Workshop, tmp_path: Path) -> None:
    layers, _ = service_shop.make()
    assembled = assemble(layers, RELEASE, TOOLS, tmp_path / "assembled")
    again = normalise(assembled.archive, layers / "image.json", TOOLS, tmp_path / "again")
    assert again.archive.read_bytes() == assembled.archive.read_bytes()


def test_an_image_for_another_architecture_is_refused(bench: Bench) -> None:
    with pytest.raises(SavedImageError, match=r"holds 0 images for amd64 \(found: arm64\)"):
        bench.sha256(_legacy(bench.engine_layers(), architecture="arm64"))


def test_a_layer_that_deletes_is_refused(bench: Bench) -> None:
    layers = bench.engine_layers()
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        tar.addfile(tarfile.TarInfo("etc/.wh.passwd"))
    with pytest.raises(CanonicalLayerError, match=r"layer 2: etc/\.wh\.passwd deletes"):
        bench.sha256(_legacy([layers[0], out.getvalue(), *layers[2:]]))


def test_the_command_says_what_is_wrong(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    (bench.folder / "no.tar").write_bytes(b"not a tar")
    arguments = [
        str(bench.folder / "no.tar"),
        "--layers-facts",
        str(bench.layers / "image.json"),
        "--out",
        str(bench.folder),
    ]
    assert command.main(arguments) == 1
    assert "no.tar: is not the output of docker save" in capsys.readouterr().err
