"""The tier manifest: `tiers/<tier>/tier.toml`, the one place where the facts of a tier stand. Standard library only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from noderr.types.image_manifest import ImageManifest
from noderr.types.manifest_reader import ManifestReader, read_document, read_text
from noderr.types.packages import KNOWN_PACKAGES
from noderr.types.tier_numbers import TIER_NUMBERS


@dataclass(frozen=True, kw_only=True)
class TierManifest(ImageManifest):
    """One tier. Stakes are whole NODR."""

    kind: ClassVar[str] = "tier"
    noun: ClassVar[str] = "node"

    tier: str
    number: int
    http_port: int
    grpc_port: int
    stake_nodr: int
    airdrop_nodr: int

    @property
    def name(self) -> str:
        return self.tier

    @property
    def ports(self) -> Mapping[str, int]:
        return {"http": self.http_port, "grpc": self.grpc_port}

    @property
    def folder(self) -> str:
        return f"tiers/{self.tier}"

    @property
    def repository_folder(self) -> str:
        return self.folder

    @property
    def start_file(self) -> str:
        return "node.py"

    @property
    def labels(self) -> Mapping[str, str]:
        return {**super().labels, "io.noderr.tier-number": str(self.number)}


def load_manifest(source: Path) -> TierManifest:
    """Read and check one manifest. Raises `ManifestError` with every problem found in it."""
    return parse_manifest(read_text(source), name=str(source))


def parse_manifest(text: str, *, name: str = "tier.toml") -> TierManifest:
    """Check the text of one manifest; `name` is what errors call it."""
    keys = ("tier", "number", "responsibility", "packages", "ports", "stake", "resources")
    reader = ManifestReader(name, read_document(text, name), keys)
    ports = reader.table("ports", ("http", "grpc"))
    stake = reader.table("stake", ("stake_nodr", "airdrop_nodr"))
    tier = reader.choice("tier", TIER_NUMBERS)
    manifest = TierManifest(
        tier=tier,
        number=_number(reader, tier),
        responsibility=reader.string("responsibility"),
        packages=reader.packages(KNOWN_PACKAGES),
        http_port=reader.port(ports, "ports.http"),
        grpc_port=reader.port(ports, "ports.grpc"),
        stake_nodr=reader.integer(stake, "stake.stake_nodr", 0),
        airdrop_nodr=reader.integer(stake, "stake.airdrop_nodr", 0),
        **reader.resources(),
    )
    if manifest.http_port == manifest.grpc_port != 0:
        reader.problem(f"ports.http and ports.grpc are both {manifest.http_port}: choose two ports")
    reader.finish()
    return manifest


def _number(reader: ManifestReader, tier: str) -> int:
    number = reader.number("number", 1, 3)
    if tier in TIER_NUMBERS and number and number != TIER_NUMBERS[tier]:
        reader.problem(f"number = {number}: tier {tier} is number {TIER_NUMBERS[tier]}")
    return number
