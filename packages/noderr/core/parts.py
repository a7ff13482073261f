"""What a tier adds to the node that all tiers share, and what it gets to make it from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from noderr.core.service import Service
from noderr.types import TierManifest

if TYPE_CHECKING:  # Heavy, and `health` must start in no time.
    from starlette.routing import Route

    from noderr.core.identity import NodeIdentity
    from noderr.core.settings import NodeSettings
    from noderr.telemetry import NodeMetrics


@dataclass(frozen=True)
class NodeContext:
    """What the parts of a tier are made from. All state goes below `data_dir`."""

    manifest: TierManifest
    version: str
    settings: NodeSettings
    data_dir: Path
    identity: NodeIdentity
    metrics: NodeMetrics


@dataclass(frozen=True)
class TierParts:
    """A tier's own services, started after the shared ones, and its own HTTP routes below `/api/v1/`."""

    services: Sequence[Service] = ()
    routes: Sequence[Route] = ()


type MakeParts = Callable[[NodeContext], TierParts]


def no_parts(_context: NodeContext) -> TierParts:
    """A node with nothing but the shared services."""
    return TierParts()
