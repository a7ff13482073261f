"""What `docker inspect` says of an image that was loaded from an archive."""

from __future__ import annotations

from tests.image.archives import Archive
from tests.image.engine import docker, inspect


def test_it_runs_as_nodejs_with_the_manifests_ports(archive: Archive, image: str) -> None:
    manifest, config = archive.manifest(), inspect("image", image)["Config"]
    assert config["User"] == "1001:1001"
    assert set(config["ExposedPorts"]) == {f"{port}/tcp" for port in manifest.ports.values()}
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


def test_labels_say_what_it_is_its_version_and_commit(archive: Archive, image: str) -> None:
    manifest, labels = archive.manifest(), inspect("image", image)["Config"]["Labels"]
    ours = {name: value for name, value in labels.items() if name.startswith("io.noderr.")}
    assert ours == manifest.labels
    assert ours[f"io.noderr.{manifest.kind}"] == archive.name
    assert labels["org.opencontainers.image.version"] == archive.metadata["version"]
    assert labels["org.opencontainers.image.revision"] == archive.metadata["revision"]
    assert labels["org.opencontainers.image.created"] == archive.metadata["created"]
    assert labels["org.opencontainers.image.description"] == manifest.responsibility


def test_no_build_time_environment_and_no_secret(archive: Archive, image: str) -> None:
    assert inspect("image", image)["Config"]["Env"] == [
        "PATH=/usr/local/bin:/usr/bin",
        "LANG=C.UTF-8",
        *(f"NODEOS_{name.upper()}_HOST=0.0.0.0" for name in archive.manifest().ports),
    ]


def test_the_layers_are_the_four_that_the_metadata_names(archive: Archive, image: str) -> None:
    layers = [layer["diff_id"] for layer in archive.metadata["image"]["layers"]]
    assert inspect("image", image)["RootFS"]["Layers"] == layers
    history = docker("image", "history", "--no-trunc", "--format", "{{.CreatedBy}}", image).splitlines()
    assert history == [f"noderr {name} layer" for name in ("source", "own", "shared", "base")]
