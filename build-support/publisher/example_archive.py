"""Small archives of the real form, for tests and benchmarks: a docker-save tar that is an OCI layout too, gzipped."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
from pathlib import Path
from typing import Any

from canonical import Entry, write_tar
from publisher import keys
from publisher.metadata import Architecture

REVISION = "0123456789abcdef0123456789abcdef01234567"


def write_archive(
    folder: Path,
    version: str,
    *,
    tier: str = "oracle",
    architecture: Architecture = "amd64",
    payload: bytes = b"print('hello')\n",
    revision: str = REVISION,
) -> Path:
    """Write an archive of a two-layer image, its checksum file and its metadata; `payload` is what is new in it."""
    layers = [_layer("usr/lib/os-release", b"ID=noderr\n"), _layer("usr/lib/noderr/main.py", payload)]
    config = _json(
        {
            "architecture": architecture,
            "os": "linux",
            "created": "2026-01-02T03:04:05Z",
            "config": {"Cmd": ["/main"], "Labels": {"org.opencontainers.image.version": version}},
            "rootfs": {"type": "layers", "diff_ids": [digest(layer) for layer in layers]},
            "history": [{"created_by": "nodeos"} for _ in layers],
        }
    )
    tags = [f"{keys.repository(tier)}:{version}", f"{keys.repository(tier)}:latest"]
    tar = io.BytesIO()
    write_tar([Entry(name, "file", 0o644, content=data) for name, data in _files(config, layers, tags).items()], tar)
    packed = gzip.compress(tar.getvalue(), mtime=0)
    path = folder / keys.versioned(tier, version, architecture).file
    folder.mkdir(parents=True, exist_ok=True)
    path.write_bytes(packed)
    metadata = {
        "schema": 1,
        "tier": tier,
        "version": version,
        "architecture": architecture,
        "revision": revision,
        "created": "2026-01-02T03:04:05Z",
        "archive": {
            "file": path.name,
            "size": len(packed),
            "sha256": hashlib.sha256(packed).hexdigest(),
            "tar_sha256": hashlib.sha256(tar.getvalue()).hexdigest(),
            "tar_size": len(tar.getvalue()),
            "compressor": "zlib",
        },
        "image": {
            "id": digest(config),
            "tags": tags,
            "layers": [
                {"name": name, "diff_id": digest(layer), "size": len(layer)}
                for name, layer in zip(("base", "source"), layers, strict=True)
            ],
        },
        "packages": {"present": ["core", "types"], "missing": ["ml"]},
    }
    rewrite_companions(path, metadata)
    return path


def rewrite_companions(path: Path, metadata: dict[str, Any]) -> None:
    """Write `.json` and a `.sha256` of the bytes as they are."""
    Path(f"{path}.json").write_bytes(_json(metadata))
    Path(f"{path}.sha256").write_text(f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n")


def digest(data: bytes) -> str:
    """`sha256:…` of bytes."""
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def _layer(path: str, data: bytes) -> bytes:
    out = io.BytesIO()
    write_tar([Entry(path, "file", 0o644, content=data)], out)
    return out.getvalue()


def _files(config: bytes, layers: list[bytes], tags: list[str]) -> dict[str, bytes]:
    manifest = _json(
        {
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "config": _descriptor("application/vnd.oci.image.config.v1+json", config),
            "layers": [_descriptor("application/vnd.oci.image.layer.v1.tar", layer) for layer in layers],
        }
    )
    blobs = {f"blobs/sha256/{digest(blob)[7:]}": blob for blob in (config, manifest, *layers)}
    saved = {
        "Config": f"blobs/sha256/{digest(config)[7:]}",
        "RepoTags": tags,
        "Layers": [f"blobs/sha256/{digest(layer)[7:]}" for layer in layers],
    }
    described = _descriptor("application/vnd.oci.image.manifest.v1+json", manifest)
    index = [{**described, "annotations": {"org.opencontainers.image.ref.name": tag}} for tag in tags]
    return {
        **blobs,
        "oci-layout": b'{"imageLayoutVersion":"1.0.0"}',
        "index.json": _json({"schemaVersion": 2, "manifests": index}),
        "manifest.json": _json([saved]),
    }


def _descriptor(media_type: str, data: bytes) -> dict[str, Any]:
    return {"mediaType": media_type, "digest": digest(data), "size": len(data)}


def _json(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":"), sort_keys=True).encode()
