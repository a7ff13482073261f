"""The node: reads its surroundings, then runs the shared services and the tier's own in one process to the end."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator, Mapping

import structlog
from prometheus_client import CollectorRegistry

from noderr.core.account import load_account
from noderr.core.data_claim import claimed_data_dir
from noderr.core.data_dir import prepare_data_dir
from noderr.core.identity import NodeIdentity, load_identity
from noderr.core.node_services import NodeFoundation, node_services
from noderr.core.packages import missing_packages
from noderr.core.parts import MakeParts
from noderr.core.process import run_process
from noderr.core.settings import NodeSettings
from noderr.core.settings_loader import load_settings, tier_defaults
from noderr.telemetry import NodeMetrics, configure_logging
from noderr.telemetry.tracing import start_tracing
from noderr.types import TierManifest
from noderr.utils import SystemClock, fresh_seed

_log = structlog.get_logger("noderr.core.node")


def serve(manifest: TierManifest, version: str, environ: Mapping[str, str], make_parts: MakeParts) -> None:
    """Run the node until SIGTERM or SIGINT. Raises `CoreError` when it cannot start or go on."""
    settings = load_settings(environ, NodeSettings, tier_defaults(manifest))
    configure_logging(sys.stdout, level=settings.log_level, tier=manifest.tier, version=version)
    data_dir = prepare_data_dir(settings.data_dir, manifest.tier)
    with claimed_data_dir(data_dir, manifest.tier, version) as claim:
        identity = load_identity(data_dir, settings.private_key())
        account = load_account(data_dir, settings.account())
        seed = fresh_seed() if settings.random_seed is None else settings.random_seed
        metrics = NodeMetrics(CollectorRegistry(), tier=manifest.tier, version=version)
        foundation = NodeFoundation(manifest, version, settings, data_dir, claim, identity, account, metrics, seed)
        _log.info("node_starting", node_id=identity.node_id, data_dir=str(data_dir), random_seed=seed)
        with _traced(settings, manifest.tier, version, identity):
            run_process(
                lambda parts: node_services(foundation, parts, make_parts),
                metrics=metrics,
                clock=SystemClock(),
                drain_seconds=settings.drain_seconds,
                missing_packages=missing_packages(manifest),
            )


@contextlib.contextmanager
def _traced(settings: NodeSettings, service: str, version: str, identity: NodeIdentity) -> Iterator[None]:
    """Traces are on inside the block, when the settings name a collector for them."""
    if not settings.otlp_endpoint:
        yield
        return
    end = start_tracing(settings.otlp_endpoint, service=service, version=version, node_id=identity.node_id)
    try:
        yield
    finally:
        end()
