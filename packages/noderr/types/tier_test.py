from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from noderr.types import (
    SHARED_PACKAGES,
    ManifestError,
    Range,
    TierManifest,
    check_manifests,
    load_manifest,
    parse_manifest,
)

TIERS = Path(__file__).parents[3] / "tiers"

GOOD = """
tier = "validator"
number = 1
responsibility = "Execution"
packages = ["execution", "telemetry", "core", "types", "utils"]
[ports]
http = 3001
grpc = 50051
[stake]
stake_nodr = 25_000
airdrop_nodr = 25_000
[resources]
cpu_cores = { min = 1, max = 2 }
memory_gb = { min = 2, max = 2 }
storage_gb = 10
"""

# The seed's figures, written out a second time on purpose: this is the test that the manifests say what was asked for.
SEED: dict[str, dict[str, Any]] = {
    "oracle": {
        "number": 3,
        "http_port": 3002,
        "grpc_port": 50052,
        "stake_nodr": 125_000,
        "airdrop_nodr": 125_000,
        "cpu_cores": Range(2, 4),
        "memory_gb": Range(4, 8),
        "storage_gb": 20,
        "own": "oracle-consensus alpha-edge alpha-exploitation market-intel quant-research ml ml-client capital-ai "
        "backtesting",
    },
    "guardian": {
        "number": 2,
        "http_port": 3003,
        "grpc_port": 50053,
        "stake_nodr": 25_000,
        "airdrop_nodr": 25_000,
        "cpu_cores": Range(2, 2),
        "memory_gb": Range(2, 4),
        "storage_gb": 10,
        "own": "guardian-consensus risk-engine compliance safety-control human-oversight attestation-hardening "
        "attestation-mvs",
    },
    "validator": {
        "number": 1,
        "http_port": 3001,
        "grpc_port": 50051,
        "stake_nodr": 25_000,
        "airdrop_nodr": 25_000,
        "cpu_cores": Range(1, 2),
        "memory_gb": Range(2, 2),
        "storage_gb": 10,
        "own": "validator-consensus execution floor-engine exchanges data-connectors market-data on-chain-service "
        "on-chain-settlement network-optimizer",
    },
}


def problems_of(text: str) -> str:
    with pytest.raises(ManifestError) as caught:
        parse_manifest(text)
    return "\n".join(caught.value.problems)


@pytest.mark.parametrize("tier", SEED)
def test_real_manifests_equal_the_seeds_figures(tier: str) -> None:
    manifest = load_manifest(TIERS / tier / "tier.toml")
    expected = dict(SEED[tier])
    assert set(manifest.packages) - SHARED_PACKAGES == set(expected.pop("own").split())
    assert set(manifest.packages) >= SHARED_PACKAGES
    assert manifest.tier == tier
    assert {name: getattr(manifest, name) for name in expected} == expected


def test_real_manifests_share_no_port() -> None:
    check_manifests(load_manifest(TIERS / tier / "tier.toml") for tier in SEED)


def test_modules_are_the_import_names_in_order() -> None:
    manifest = parse_manifest(GOOD.replace('"execution"', '"on-chain-service"'))
    assert manifest.modules[:2] == ("noderr.on_chain_service", "noderr.telemetry")


def test_unknown_key_is_named() -> None:
    assert "unknown key colour" in problems_of('colour = "red"\n' + GOOD)
    assert "unknown key ports.metrics" in problems_of(GOOD.replace("[stake]", "metrics = 1\n[stake]"))


def test_unknown_package_is_named() -> None:
    assert "'exekution' is none that can stand here" in problems_of(GOOD.replace('"execution"', '"exekution"'))


def test_package_listed_twice_and_shared_package_missing_are_named() -> None:
    found = problems_of(GOOD.replace('"telemetry"', '"execution"'))
    assert "'execution' is listed twice" in found
    assert "shared package 'telemetry' is not listed" in found


def test_all_problems_come_at_once() -> None:
    text = GOOD.replace("number = 1", "number = 3").replace("http = 3001", "http = 80").replace("= 10", '= "10"')
    assert len(problems_of(text).splitlines()) == 3


def test_port_in_use_by_another_tier_names_both() -> None:
    oracle = parse_manifest(GOOD.replace('"validator"', '"oracle"').replace("number = 1", "number = 3"))
    with pytest.raises(ManifestError, match="port 3001 of oracle is in use by validator"):
        check_manifests([parse_manifest(GOOD), oracle])


def test_one_port_for_both_servers_is_refused() -> None:
    assert "ports.http and ports.grpc are both 3001" in problems_of(GOOD.replace("50051", "3001"))


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        ('tier = "validator"', 'tier = "king"', "tier = 'king'"),
        ("http = 3001", "http = true", "ports.http = True"),
        ("min = 1, max = 2", "min = 3, max = 2", "min 3 is above max 2"),
        ("{ min = 2, max = 2 }", "2", "resources.memory_gb = 2"),
        ('"Execution"', '""', "responsibility = ''"),
        ("[stake]", "[stakes]", "table [stake] is missing"),
    ],
)
def test_wrong_value_is_named(old: str, new: str, named: str) -> None:
    assert named in problems_of(GOOD.replace(old, new))


def test_no_toml_is_an_error_that_names_the_file(tmp_path: Path) -> None:
    (tmp_path / "tier.toml").write_text("tier = ")
    with pytest.raises(ManifestError, match=r"tier\.toml.*\n.*is not TOML"):
        load_manifest(tmp_path / "tier.toml")


def test_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "tier.toml").write_bytes(b"\xff")
    for name in ("tier.toml", "absent.toml"):
        with pytest.raises(ManifestError, match=f"{name}.*\n.*cannot be read"):
            load_manifest(tmp_path / name)


@given(st.text(max_size=200))
def test_any_text_is_read_or_refused_with_a_manifest_error(text: str) -> None:
    with contextlib.suppress(ManifestError):
        assert isinstance(parse_manifest(text), TierManifest)
