from __future__ import annotations

from typing import Any

import pytest

from node_image.config import canonical_config, engine_config
from node_image.conftest import MANIFEST, RELEASE, SERVICE_MANIFEST
from node_image.description import describe
from node_image.errors import SavedImageError
from noderr.types import parse_manifest, parse_service_manifest

DIFF_IDS = [f"sha256:{digit * 64}" for digit in "0123"]
OURS = engine_config(describe(parse_manifest(MANIFEST)), RELEASE, "amd64")
CANONICAL = canonical_config(OURS, DIFF_IDS)


def _with(**block: Any) -> dict[str, Any]:
    return {**OURS, "config": {**OURS["config"], **block}}


def test_the_image_says_what_the_manifest_and_the_release_say() -> None:
    block = CANONICAL["config"]
    assert block["User"] == "1001:1001"
    assert block["Entrypoint"] == ["/usr/bin/python3.13", "-I", "/opt/noderr"]
    assert block["Cmd"] == ["serve"]
    assert block["ExposedPorts"] == {"3003/tcp": {}, "50053/tcp": {}}
    assert block["Volumes"] == {"/data": {}}
    assert block["StopSignal"] == "SIGTERM"
    assert block["Healthcheck"]["Test"] == ["CMD", "/usr/bin/python3.13", "-I", "/opt/noderr", "health"]
    assert block["Healthcheck"]["Interval"] == 10_000_000_000
    assert block["Labels"]["org.opencontainers.image.version"] == "1.2.3"
    assert block["Labels"]["io.noderr.tier"] == "guardian"
    assert CANONICAL["created"] == RELEASE.created
    assert CANONICAL["rootfs"]["diff_ids"] == DIFF_IDS
    assert len(CANONICAL["history"]) == 4


def test_a_services_image_says_that_it_is_one() -> None:
    block = engine_config(describe(parse_service_manifest(SERVICE_MANIFEST)), RELEASE, "amd64")["config"]
    assert block["ExposedPorts"] == {"3000/tcp": {}, "3010/tcp": {}}
    assert block["Labels"]["io.noderr.service"] == "coordinator"
    assert block["Labels"]["org.opencontainers.image.title"] == "NodeOS coordinator service"
    assert "io.noderr.tier" not in block["Labels"]
    assert block["Env"][2:] == ["NODEOS_HTTP_HOST=0.0.0.0", "NODEOS_NODES_HOST=0.0.0.0"]
    assert {key: block[key] for key in ("User", "Entrypoint", "Cmd", "Healthcheck", "Volumes")} == {
        key: OURS["config"][key] for key in ("User", "Entrypoint", "Cmd", "Healthcheck", "Volumes")
    }


def test_what_an_engine_notes_of_itself_makes_no_difference() -> None:
    noted = {
        **_with(
            Hostname="f00", Domainname="", Image="sha256:1", ArgsEscaped=True, OnBuild=None, Tty=False, WorkingDir="/"
        ),
        "container": "f00",
        "container_config": {"Cmd": ["/bin/sh", "-c", "#(nop) LABEL"]},
        "created": "2026-01-01T00:00:00.123Z",
        "docker_version": "20.10.24",
        "history": [{"empty_layer": True}],
        "moby.buildkit.buildinfo.v1": "e30=",
        "rootfs": {"type": "layers", "diff_ids": ["sha256:other"]},
    }
    assert canonical_config(noted, DIFF_IDS) == CANONICAL


@pytest.mark.parametrize(
    "block",
    [
        {"User": "0"},
        {"WorkingDir": "/opt"},
        {"Env": ["PATH=/evil"]},
        {"OnBuild": ["RUN x"]},
        {"Shell": ["/bin/sh"]},
        {"SomethingNew": 1},
        {"Healthcheck": {"Test": ["NONE"]}},
        {"Labels": {**OURS["config"]["Labels"], "more": "1"}},
    ],
)
def test_a_difference_in_meaning_shows(block: dict[str, Any]) -> None:
    assert canonical_config(_with(**block), DIFF_IDS) != CANONICAL


def test_an_unknown_fact_beside_the_configuration_shows() -> None:
    assert canonical_config({**OURS, "os.version": "6.1"}, DIFF_IDS) != CANONICAL


def test_arm64_is_v8_whether_it_says_so_or_not() -> None:
    arm = {**OURS, "architecture": "arm64"}
    assert canonical_config({**arm, "variant": "v8"}, DIFF_IDS) == canonical_config(arm, DIFF_IDS)


def test_an_image_with_other_layers_is_refused() -> None:
    with pytest.raises(SavedImageError, match="the image has 3 layers; ours have four: base, shared, own, source"):
        canonical_config(OURS, DIFF_IDS[:3])
