"""The destination as a read-only OCI registry: the pull protocol, walked over a plain static HTTP server."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tarfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from publisher.directory_store import DirectoryStore
from publisher.metadata import ARCHITECTURES
from publisher.oci import INDEX_TYPE, LAYER_TYPE, MANIFEST_TYPE
from publisher.pointer import Policy
from publisher.serve import serve
from publisher.testing import Bench

ACCEPT = ", ".join((INDEX_TYPE, MANIFEST_TYPE))


@pytest.fixture
def registry(directory: Path) -> Iterator[str]:
    """host:port of a static server on the destination."""
    directory.mkdir()
    with serve(directory, "127.0.0.1", 0) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


def _client(url: str) -> httpx.Client:
    """A client that reads no certificates: everything here is plain HTTP on loopback."""
    return httpx.Client(base_url=url, trust_env=False, verify=False)


def _get(client: httpx.Client, reference: str) -> httpx.Response:
    """A manifest or an index, whose digest is checked when it was asked for by digest."""
    head = client.head(f"manifests/{reference}", headers={"Accept": ACCEPT})
    found = client.get(f"manifests/{reference}", headers={"Accept": ACCEPT})
    assert found.status_code == head.status_code == 200
    assert int(head.headers["Content-Length"]) == len(found.content)
    # A client refuses a document whose type differs from the one it was told.
    assert found.headers["Content-Type"] == found.json()["mediaType"]
    if reference.startswith("sha256:"):
        assert reference == f"sha256:{hashlib.sha256(found.content).hexdigest()}"
    return found


def _blob(client: httpx.Client, descriptor: dict[str, Any]) -> bytes:
    found = client.get(f"blobs/{descriptor['digest']}")
    assert found.status_code == 200
    assert len(found.content) == descriptor["size"]
    assert descriptor["digest"] == f"sha256:{hashlib.sha256(found.content).hexdigest()}"
    return found.content


def pull(registry: str, reference: str, architecture: str = "amd64") -> dict[str, bytes]:
    """What a container engine does: the files of the image."""
    with _client(f"http://{registry}/v2/noderr-oracle/") as client:
        found = _get(client, reference)
        if found.headers["Content-Type"] == INDEX_TYPE:
            fitting = [
                image
                for image in found.json()["manifests"]
                if image["platform"] == {"architecture": architecture, "os": "linux"}
            ]
            found = _get(client, fitting[0]["digest"])
        manifest = found.json()
        config = json.loads(_blob(client, manifest["config"]))
        assert config["architecture"] == architecture
        files = {}
        for layer, diff_id in zip(manifest["layers"], config["rootfs"]["diff_ids"], strict=True):
            assert layer["mediaType"] == LAYER_TYPE
            tar = gzip.decompress(_blob(client, layer))
            assert diff_id == f"sha256:{hashlib.sha256(tar).hexdigest()}"
            with tarfile.open(fileobj=io.BytesIO(tar)) as opened:
                for member in opened:
                    handle = opened.extractfile(member)
                    files[member.name] = handle.read() if handle else b""
        return files


def test_docker_pull_protocol(bench: Bench, local: DirectoryStore, registry: str) -> None:
    bench.publisher(local).publish(bench.release("0.1.0", b"code of 0.1.0"))
    for reference in ("0.1.0", "latest", "0.1.0-amd64"):
        assert pull(registry, reference)["usr/lib/noderr/main.py"] == b"code of 0.1.0"


def test_latest_tag_follows_latest(bench: Bench, local: DirectoryStore, registry: str) -> None:
    for version in ("0.1.0", "0.2.0"):
        bench.publisher(local).publish(bench.release(version, version.encode()))
        assert pull(registry, "latest")["usr/lib/noderr/main.py"] == version.encode()
    bench.publisher(local, Policy(allow_rollback=True)).publish(bench.release("0.1.0", b"0.1.0"))
    assert pull(registry, "latest")["usr/lib/noderr/main.py"] == b"0.1.0"
    assert pull(registry, "0.2.0")["usr/lib/noderr/main.py"] == b"0.2.0"


def test_several_architectures_have_one_tag(bench: Bench, local: DirectoryStore, registry: str) -> None:
    for architecture in ARCHITECTURES:
        bench.publisher(local).publish(bench.release("0.1.0", b"code", architectures=(architecture,)))
    for architecture in ARCHITECTURES:
        for reference in ("0.1.0", "latest"):
            assert pull(registry, reference, architecture)["usr/lib/noderr/main.py"] == b"code"


def test_digest_of_latest_json_can_be_pulled(bench: Bench, local: DirectoryStore, registry: str) -> None:
    outcome = bench.publisher(local).publish(bench.release("0.1.0", b"code"))
    assert pull(registry, outcome.latest.architectures["amd64"].manifest)["usr/lib/noderr/main.py"] == b"code"


def test_one_edit_changes_one_layer(bench: Bench, local: DirectoryStore, directory: Path) -> None:
    blobs = directory / "v2/noderr-oracle/blobs"
    bench.publisher(local).publish(bench.release("0.1.0", b"one"))
    before = set(blobs.iterdir())
    bench.publisher(local).publish(bench.release("0.2.0", b"two"))
    # The edited layer and the configuration; the base layer stays.
    assert len(set(blobs.iterdir()) - before) == 2


def test_server_shows_objects_only(registry: str, bench: Bench, local: DirectoryStore) -> None:
    bench.publisher(local).publish(bench.release("0.1.0"))
    with _client(f"http://{registry}/") as client:
        assert client.get("oracle/").status_code == 404
        assert client.get("v2/noderr-oracle/manifests/9.9.9").status_code == 404
        assert client.get("oracle/latest.json").headers["Content-Type"] == "application/json"


def test_serve_command(directory: Path, bench: Bench, local: DirectoryStore) -> None:
    bench.publisher(local).publish(bench.release("0.1.0", b"code"))
    command = [sys.executable, "-m", "publisher.serve", str(directory), "--port", "0"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        told = re.search(r"http://(127\.0\.0\.1:\d+)", server.stdout.readline())
        assert told is not None
        assert pull(told[1], "latest")["usr/lib/noderr/main.py"] == b"code"
        server.send_signal(signal.SIGINT)
        assert server.wait(timeout=10) == 0


def _docker(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["docker", *arguments], capture_output=True, text=True, check=False, timeout=60)


def _engine_missing() -> str:
    """Why there is no engine, or nothing."""
    if shutil.which("docker") is None:
        return "there is no docker command"
    done = _docker("version", "--format", "{{.Server.Version}}")
    return "" if done.returncode == 0 else f"no Docker engine answers: {done.stderr.strip()}"


def test_real_docker_pull(bench: Bench, local: DirectoryStore, registry: str) -> None:
    if missing := _engine_missing():
        assert not os.environ.get("NODEOS_REQUIRE_ENGINE"), missing
        pytest.skip(missing)
    release = bench.release("0.1.0", registry.encode())
    bench.publisher(local).publish(release)
    name = f"{registry}/noderr-oracle:0.1.0"
    pulled = _docker("pull", name)
    try:
        assert pulled.returncode == 0, pulled.stderr
        layers = json.loads(_docker("image", "inspect", "--format", "{{json .RootFS.Layers}}", name).stdout)
        assert layers == [layer.diff_id for layer in release.builds["amd64"].archive.metadata.image.layers]
    finally:
        _docker("image", "rm", name)
