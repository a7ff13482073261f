"""The tier manifest: `tiers/<tier>/tier.toml`, the one place where the facts of a tier stand.

Standard library only, because the build reads manifests before anything is installed.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from noderr.types.errors import ManifestError

SHARED_PACKAGES = frozenset({"telemetry", "core", "types", "utils"})
"""Packages that every tier carries. They import no tier's packages."""

KNOWN_PACKAGES = SHARED_PACKAGES | {
    "oracle-consensus",
    "alpha-edge",
    "alpha-exploitation",
    "market-intel",
    "quant-research",
    "ml",
    "ml-client",
    "capital-ai",
    "backtesting",
    "guardian-consensus",
    "risk-engine",
    "compliance",
    "safety-control",
    "human-oversight",
    "attestation-hardening",
    "attestation-mvs",
    "validator-consensus",
    "execution",
    "floor-engine",
    "exchanges",
    "data-connectors",
    "market-data",
    "on-chain-service",
    "on-chain-settlement",
    "network-optimizer",
}
"""Every package a manifest may name: the vocabulary that catches a misspelling. Who has which, the manifest says."""

_TIER_NUMBERS = {"oracle": 3, "guardian": 2, "validator": 1}


@dataclass(frozen=True)
class Range:
    """An inclusive range: what a node needs at least, and the limit it runs under."""

    min: int
    max: int


@dataclass(frozen=True)
class TierManifest:
    """One tier. Stakes are whole NODR, memory and storage are GB, CPU is cores."""

    tier: str
    number: int
    responsibility: str
    packages: tuple[str, ...]
    http_port: int
    grpc_port: int
    stake_nodr: int
    airdrop_nodr: int
    cpu_cores: Range
    memory_gb: Range
    storage_gb: int

    @property
    def modules(self) -> tuple[str, ...]:
        """The import names of the packages, in the manifest's order: `ml-client` is `noderr.ml_client`."""
        return tuple(f"noderr.{package.replace('-', '_')}" for package in self.packages)


def load_manifest(source: Path) -> TierManifest:
    """Read and check one manifest. Raises `ManifestError` with every problem found in it."""
    try:
        text = source.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ManifestError(str(source), [f"cannot be read: {error}"]) from error
    return parse_manifest(text, name=str(source))


def parse_manifest(text: str, *, name: str = "tier.toml") -> TierManifest:
    """Check the text of one manifest; `name` is what errors call it."""
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ManifestError(name, [f"is not TOML: {error}"]) from error
    return _Reader(name, document).manifest()


def check_manifests(manifests: Iterable[TierManifest]) -> None:
    """Check what no single manifest can: a port belongs to one tier only. Raises `ManifestError`."""
    owners: dict[int, str] = {}
    problems = []
    for manifest in manifests:
        for port in (manifest.http_port, manifest.grpc_port):
            owner = owners.setdefault(port, manifest.tier)
            if owner != manifest.tier:
                problems.append(f"port {port} of {manifest.tier} is in use by {owner}: give each tier ports of its own")
    if problems:
        raise ManifestError("tiers/*/tier.toml", problems)


class _Reader:
    """Reads a parsed manifest and collects problems, so that a person mends them all at once."""

    def __init__(self, name: str, document: Mapping[str, Any]) -> None:
        self._name = name
        self._document = document
        self._problems: list[str] = []

    def manifest(self) -> TierManifest:
        self._only_keys(
            "", self._document, ("tier", "number", "responsibility", "packages", "ports", "stake", "resources")
        )
        ports = self._table("ports", ("http", "grpc"))
        stake = self._table("stake", ("stake_nodr", "airdrop_nodr"))
        resources = self._table("resources", ("cpu_cores", "memory_gb", "storage_gb"))
        tier = self._tier()
        manifest = TierManifest(
            tier=tier,
            number=self._number(tier),
            responsibility=self._string("responsibility"),
            packages=self._packages(),
            http_port=self._integer(ports, "ports.http", 1024, 65535),
            grpc_port=self._integer(ports, "ports.grpc", 1024, 65535),
            stake_nodr=self._integer(stake, "stake.stake_nodr", 0),
            airdrop_nodr=self._integer(stake, "stake.airdrop_nodr", 0),
            cpu_cores=self._range(resources, "resources.cpu_cores"),
            memory_gb=self._range(resources, "resources.memory_gb"),
            storage_gb=self._integer(resources, "resources.storage_gb", 1),
        )
        if manifest.http_port == manifest.grpc_port:
            self._problems.append(f"ports.http and ports.grpc are both {manifest.http_port}: choose two ports")
        if self._problems:
            raise ManifestError(self._name, self._problems)
        return manifest

    def _only_keys(self, prefix: str, table: Mapping[str, Any], allowed: tuple[str, ...]) -> None:
        for key in sorted(set(table) - set(allowed)):
            self._problems.append(f"unknown key {prefix}{key}: known are {', '.join(allowed)}")

    def _table(self, key: str, allowed: tuple[str, ...]) -> Mapping[str, Any]:
        value = self._document.get(key)
        if not isinstance(value, dict):
            self._problems.append(f"table [{key}] is missing: it holds {', '.join(allowed)}")
            return {}
        self._only_keys(f"{key}.", value, allowed)
        return value

    def _tier(self) -> str:
        tier = self._string("tier")
        if tier and tier not in _TIER_NUMBERS:
            self._problems.append(f"tier = {tier!r}: must be one of {', '.join(_TIER_NUMBERS)}")
        return tier

    def _number(self, tier: str) -> int:
        number = self._integer(self._document, "number", 1, 3)
        if tier in _TIER_NUMBERS and number and number != _TIER_NUMBERS[tier]:
            self._problems.append(f"number = {number}: tier {tier} is number {_TIER_NUMBERS[tier]}")
        return number

    def _string(self, key: str) -> str:
        value = self._document.get(key)
        if not isinstance(value, str) or not value:
            self._problems.append(f"{key} = {value!r}: must be a non-empty string")
            return ""
        return value

    def _integer(self, table: Mapping[str, Any], path: str, low: int, high: int | None = None) -> int:
        value = table.get(path.rpartition(".")[2])
        # `type` and not `isinstance`: True is an int in Python and no port number.
        if type(value) is not int or value < low or (high is not None and value > high):
            bounds = f"at least {low}" if high is None else f"from {low} to {high}"
            self._problems.append(f"{path} = {value!r}: must be a whole number {bounds}")
            return 0
        return value

    def _range(self, table: Mapping[str, Any], path: str) -> Range:
        value = table.get(path.rpartition(".")[2])
        if not isinstance(value, dict) or set(value) != {"min", "max"}:
            self._problems.append(f"{path} = {value!r}: must be {{ min = …, max = … }}")
            return Range(0, 0)
        found = Range(self._integer(value, f"{path}.min", 1), self._integer(value, f"{path}.max", 1))
        if found.min > found.max:
            self._problems.append(f"{path}: min {found.min} is above max {found.max}")
        return found

    def _packages(self) -> tuple[str, ...]:
        value = self._document.get("packages")
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            self._problems.append(f"packages = {value!r}: must be a list of package names")
            return ()
        for package in value:
            if package not in KNOWN_PACKAGES:
                self._problems.append(
                    f"package {package!r} is none of NodeOS: KNOWN_PACKAGES in noderr.types.tier lists them"
                )
        for package in sorted({package for package in value if value.count(package) > 1}):
            self._problems.append(f"package {package!r} is listed twice: list it once")
        for package in sorted(SHARED_PACKAGES - set(value)):
            self._problems.append(f"shared package {package!r} is not listed: every tier carries it")
        return tuple(value)
