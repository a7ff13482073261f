"""What is watched: the tiers and services of the manifests, under the names that Prometheus knows them by."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from noderr.types import ImageManifest, ServiceManifest, TierManifest

METRICS_PORT = "http"
"""The port, by its name in a manifest, on which `/metrics` is."""


def memory_limit(manifest: ImageManifest) -> str:
    """The most memory that a manifest allows, in bytes, as PromQL writes it."""
    return f"{manifest.memory_gb.max}e9"


@dataclass(frozen=True)
class Fleet:
    """`tiers` by their numbers, `services` by name. A job of Prometheus is called as its tier or service."""

    tiers: tuple[TierManifest, ...]
    services: tuple[ServiceManifest, ...]

    def __iter__(self) -> Iterator[ImageManifest]:
        yield from self.tiers
        yield from self.services

    @property
    def jobs(self) -> tuple[str, ...]:
        return tuple(manifest.name for manifest in self)

    @property
    def nodes(self) -> str:
        """The matcher of every node and of nothing else."""
        return f'job=~"{"|".join(tier.name for tier in self.tiers)}"'


def fleet_of(manifests: Iterable[ImageManifest]) -> Fleet:
    """The fleet of all manifests, in an order that does not depend on theirs."""
    found = list(manifests)
    tiers = [one for one in found if isinstance(one, TierManifest)]
    services = [one for one in found if isinstance(one, ServiceManifest)]
    return Fleet(
        tuple(sorted(tiers, key=lambda tier: tier.number)), tuple(sorted(services, key=lambda service: service.name))
    )
