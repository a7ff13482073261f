"""What `docker inspect` says of an image that was loaded from an archive."""

from __future__ import annotations

from noderr.types.tier import parse_manifest
from tests.image.archives import Archive
from tests.image.engine import docker, inspect


def test_it_runs_as_nodejs_with_the_manifests_ports(archive: Archive, image: str) -> None:
    manifest, config = parse_manifest(archive.manifest_text()), inspect("image", image)["Config"]
    assert config["User"] == "1001:1001"
    assert set(config["ExposedPorts"]) == {f"{manifest.http_port}/tcp", f"{manifest.grpc_port}/tcp"}
    assert config["Entrypoint"] == ["/usr/bin/python3.13", "-I", "/opt/noderr"]
    assert config["Cmd"] == ["serve"]
    assert set(config["Volumes"]) == {"/data"}
    assert config["StopSignal"] == "SIGTERM"
    assert config["Healthcheck"] == {
        "Test": ["CMD", "/usr/bin/python3.13", "-I", "/opt/noderr", "health"],
        "Interval": 10_000_000_000,
        "Timeout": 3_000_000_000,
        "StartPeriod": 10_000_000_000,
        "Retries": 3,
    }


def test_labels_say_tier_version_and_commit(archive: Archive, image: str) -> None:
    manifest, labels = parse_manifest(archive.manifest_text()), inspect("image", image)["Config"]["Labels"]
    assert labels["io.noderr.tier"] == archive.tier
    assert labels["io.noderr.tier-number"] == str(manifest.number)
    assert labels["org.opencontainers.image.version"] == archive.metadata["version"]
    assert labels["org.opencontainers.image.revision"] == archive.metadata["revision"]
    assert labels["org.opencontainers.image.created"] == archive.metadata["created"]
    assert labels["org.opencontainers.image.description"] == manifest.responsibility


def test_no_build_time_environment_and_no_secret(image: str) -> None:
    assert inspect("image", image)["Config"]["Env"] == [
        "PATH=/usr/local/bin:/usr/bin",
        "LANG=C.UTF-8",
        "NODEOS_HTTP_HOST=0.0.0.0",
        "NODEOS_GRPC_HOST=0.0.0.0",
    ]


def test_the_layers_are_the_four_that_the_metadata_names(archive: Archive, image: str) -> None:
    layers = [layer["diff_id"] for layer in archive.metadata["image"]["layers"]]
    assert inspect("image", image)["RootFS"]["Layers"] == layers
    history = docker("image", "history", "--no-trunc", "--format", "{{.CreatedBy}}", image).splitlines()
    assert history == [f"noderr {name} layer" for name in ("source", "tier", "shared", "base")]
