from __future__ import annotations

import contextlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from noderr.types import (
    KNOWN_PACKAGES,
    OPERATOR_SERVICES,
    ManifestError,
    Range,
    ServiceManifest,
    check_manifests,
    load_manifest,
    load_service_manifest,
    parse_service_manifest,
)

ROOT = Path(__file__).parents[3]

GOOD = """
service = "auto-mint"
responsibility = "Mints what was paid for"
packages = ["auto-mint", "telemetry", "core", "types", "utils"]
[ports]
http = 3004
[resources]
cpu_cores = { min = 1, max = 2 }
memory_gb = { min = 1, max = 2 }
storage_gb = 10
"""


def problems_of(text: str) -> str:
    with pytest.raises(ManifestError) as caught:
        parse_service_manifest(text)
    return "\n".join(caught.value.problems)


def test_no_real_port_is_used_twice_and_each_folder_has_its_own_name() -> None:
    services = {path: load_service_manifest(path) for path in ROOT.glob("packages/noderr/*/service.toml")}
    assert services
    check_manifests([*map(load_manifest, ROOT.glob("tiers/*/tier.toml")), *services.values()])
    for path, manifest in services.items():
        assert path.parent == ROOT / manifest.repository_folder


def test_no_tier_can_list_a_service() -> None:
    assert KNOWN_PACKAGES.isdisjoint(OPERATOR_SERVICES)


def test_what_is_written_is_read() -> None:
    found = parse_service_manifest(GOOD)
    assert (found.name, found.kind, found.folder) == ("auto-mint", "service", "noderr/auto_mint")
    assert found.ports == {"http": 3004}
    assert found.nodes_port is None
    assert found.labels == {"io.noderr.service": "auto-mint"}
    assert found.modules[0] == "noderr.auto_mint"
    assert (found.cpu_cores, found.memory_gb, found.storage_gb) == (Range(1, 2), Range(1, 2), 10)


def test_a_service_may_carry_a_tiers_package_and_another_services() -> None:
    text = GOOD.replace('"auto-mint",', '"auto-mint", "on-chain-service", "mail",')
    assert parse_service_manifest(text).packages[:3] == ("auto-mint", "on-chain-service", "mail")


def test_all_problems_come_at_once() -> None:
    text = GOOD.replace("http = 3004", "http = 80").replace("= 10", '= "10"').replace("{ min = 1, max = 2 }", "2", 1)
    assert len(problems_of(f"tier = 1\n{text}").splitlines()) == 4


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        ('service = "auto-mint"', 'service = "minter"', "service = 'minter': must be one of coordinator, auto-mint"),
        ('service = "auto-mint"', 'service = "mail"', "package 'mail' is not listed: a service carries"),
        ('"core", ', "", "shared package 'core' is not listed"),
        ('"auto-mint",', '"auto-mint", "mint",', "package 'mint' is none that can stand here"),
        ('"auto-mint",', '"auto-mint", "auto-mint",', "'auto-mint' is listed twice"),
        ("http = 3004", "http = 3004\ngrpc = 1", "unknown key ports.grpc: known are http, nodes"),
        ("http = 3004", "http = 3004\nnodes = 3004", "ports.http and ports.nodes are both 3004"),
        ("http = 3004", "nodes = 3004", "ports.http = None: must be a whole number from 1024"),
        ("http = 3004", 'http = 3004\nnodes = "x"', "ports.nodes = 'x'"),
        ("[resources]", "[stake]", "unknown key stake"),
        ("min = 1, max = 2", "min = 3, max = 2", "min 3 is above max 2"),
        ('"Mints what was paid for"', '""', "responsibility = ''"),
    ],
)
def test_wrong_value_is_named(old: str, new: str, named: str) -> None:
    assert named in problems_of(GOOD.replace(old, new))


def test_a_port_of_a_tier_or_another_service_is_refused_by_both_names() -> None:
    tier = load_manifest(ROOT / "tiers/validator/tier.toml")
    one = parse_service_manifest(GOOD.replace("3004", str(tier.http_port)))
    other = parse_service_manifest(GOOD.replace('"auto-mint"', '"mail"').replace("3004", "3010"))
    third = parse_service_manifest(GOOD.replace("http = 3004", "http = 3004\nnodes = 3010"))
    with pytest.raises(ManifestError, match="port 3001 of auto-mint is in use by validator"):
        check_manifests([tier, one])
    with pytest.raises(ManifestError, match="port 3010 of auto-mint is in use by mail"):
        check_manifests([other, third])


def test_a_file_that_is_no_manifest_is_named(tmp_path: Path) -> None:
    (tmp_path / "service.toml").write_text("service = ")
    with pytest.raises(ManifestError, match=r"service\.toml.*\n.*is not TOML"):
        load_service_manifest(tmp_path / "service.toml")
    with pytest.raises(ManifestError, match=r"absent\.toml.*\n.*cannot be read"):
        load_service_manifest(tmp_path / "absent.toml")


@given(st.text(max_size=200))
def test_any_text_is_read_or_refused_with_a_manifest_error(text: str) -> None:
    with contextlib.suppress(ManifestError):
        assert isinstance(parse_service_manifest(text), ServiceManifest)
