"""What a tier adds to the node that all tiers share, and what it gets to make it from."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from noderr.core.service import Service
from noderr.types import TierManifest

if TYPE_CHECKING:  # Heavy, and `health` must start in no time.
    import random

    from starlette.routing import Route

    from noderr.core.event_bus import EventBus
    from noderr.core.grpc_server import Registrar
    from noderr.core.identity import NodeIdentity
    from noderr.core.openapi import Operation
    from noderr.core.peers import PeerNetwork
    from noderr.core.settings import NodeSettings
    from noderr.telemetry import NodeMetrics
    from noderr.types.signing.account_key import AccountKey
    from noderr.utils import Clock


@dataclass(frozen=True)
class NodeContext:
    """What the parts of a tier are made from. All state goes below `data_dir`.

    `randomness` gives the generator of a purpose, replayed by one seed; never for keys.
    """

    manifest: TierManifest
    version: str
    settings: NodeSettings
    data_dir: Path
    identity: NodeIdentity
    account: AccountKey
    metrics: NodeMetrics
    clock: Clock
    randomness: Callable[[str], random.Random]
    bus: EventBus
    peers: PeerNetwork


@dataclass(frozen=True)
class TierParts:
    """A tier's own services, its HTTP routes below `/api/v1/` and their documentation, and what it serves over gRPC."""

    services: Sequence[Service] = ()
    routes: Sequence[Route] = ()
    operations: Sequence[Operation] = ()
    grpc: Sequence[Registrar] = ()


@dataclass(frozen=True)
class TierCommand:
    """A command that a tier adds to its program: `run` gets the arguments after its name and the environment.

    It returns the process's exit code.
    """

    help: str
    run: Callable[[Sequence[str], Mapping[str, str], TierManifest], int]


type MakeParts = Callable[[NodeContext], TierParts]


def no_parts(_context: NodeContext) -> TierParts:
    """A node with nothing but the shared services."""
    return TierParts()


def combine(*parts: TierParts) -> TierParts:
    """All of them in one, in this order."""
    return TierParts(
        services=[service for one in parts for service in one.services],
        routes=[route for one in parts for route in one.routes],
        operations=[operation for one in parts for operation in one.operations],
        grpc=[registrar for one in parts for registrar in one.grpc],
    )
