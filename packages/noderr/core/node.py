"""The node: puts the shared services and the tier's own together in one process and runs them to the end."""

from __future__ import annotations

import asyncio
import faulthandler
import signal
import sys
import time
from collections.abc import Mapping
from datetime import UTC, datetime

import structlog
import uvloop
from prometheus_client import CollectorRegistry

from noderr.core.data_dir import prepare_data_dir
from noderr.core.description import NodeDescriber
from noderr.core.errors import CoreError
from noderr.core.grpc_server import GrpcService
from noderr.core.http_answers import node_answer, standard_answers
from noderr.core.http_api import http_api
from noderr.core.http_server import HttpService
from noderr.core.identity import load_identity
from noderr.core.packages import missing_packages
from noderr.core.parts import MakeParts, NodeContext
from noderr.core.service import Service
from noderr.core.settings import NodeSettings
from noderr.core.settings_loader import load_settings, tier_defaults
from noderr.core.status import ServiceState, ServiceStatus, StatusBoard
from noderr.core.supervisor import Supervisor
from noderr.core.vitals import Vitals
from noderr.telemetry import LoopHeartbeat, NodeMetrics, configure_logging
from noderr.types import TierManifest

_log = structlog.get_logger("noderr.core.node")

_HARD_LIMIT_EXTRA_SECONDS = 0.7
"""After the drain; together with its longest, nine seconds, it stays below the ten after which Docker kills."""


def serve(manifest: TierManifest, version: str, environ: Mapping[str, str], make_parts: MakeParts) -> None:
    """Run the node until SIGTERM or SIGINT. Raises `CoreError` when it cannot start or go on."""
    settings = load_settings(environ, NodeSettings, tier_defaults(manifest))
    configure_logging(sys.stdout, level=settings.log_level, tier=manifest.tier, version=version)
    data_dir = prepare_data_dir(settings.data_dir, manifest.tier)
    identity = load_identity(data_dir, settings.private_key())
    metrics = NodeMetrics(CollectorRegistry(), tier=manifest.tier, version=version)
    context = NodeContext(manifest, version, settings, data_dir, identity, metrics)
    _log.info("node_starting", node_id=identity.node_id, data_dir=str(data_dir))
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_run(context, make_parts))
    except CoreError as error:
        _log.critical("node_died", error=error)
        raise
    _log.info("node_stopped")


async def _run(context: NodeContext, make_parts: MakeParts) -> None:
    settings, metrics = context.settings, context.metrics
    board = StatusBoard()
    board.subscribe(lambda status: _measure(status, metrics))
    heartbeat = LoopHeartbeat(metrics.event_loop_lag)
    absent = missing_packages(context.manifest)
    vitals = Vitals(board, loop_turning=heartbeat.turning, missing_packages=absent)
    metrics.node_ready.set_function(lambda: not vitals.missing())
    parts = make_parts(context)
    began = time.monotonic()
    describer = NodeDescriber(context.manifest, context.version, context.identity, absent, datetime.now(UTC))
    answers = {
        **standard_answers(vitals, metrics),
        "/api/v1/node": node_answer(lambda: describer.describe(board, vitals, time.monotonic() - began)),
    }
    api = http_api(metrics, answers, parts.routes)
    services: tuple[Service, ...] = (
        heartbeat,
        HttpService(api, host=settings.http_host, port=settings.http_port),
        GrpcService(
            board, vitals, host=settings.grpc_host, port=settings.grpc_port, drain_seconds=settings.drain_seconds
        ),
        *parts.services,
    )
    supervisor = Supervisor(services, board, drain_seconds=settings.drain_seconds)
    await supervisor.run(_stop_on_signals(settings.drain_seconds + _HARD_LIMIT_EXTRA_SECONDS))


def _stop_on_signals(hard_limit_seconds: float) -> asyncio.Event:
    """An event that SIGTERM or SIGINT sets. From then on the process has `hard_limit_seconds` to end by itself."""
    stop = asyncio.Event()

    def on_signal(number: signal.Signals) -> None:
        if not stop.is_set():
            _log.info("signal_received", signal=number.name)
            # A thread in C: it ends the process even when Python's own threads are stuck, and prints where.
            faulthandler.dump_traceback_later(hard_limit_seconds, exit=True)
            stop.set()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, on_signal, number)
    return stop


def _measure(status: ServiceStatus, metrics: NodeMetrics) -> None:
    metrics.service_up.labels(status.name).set(status.state is ServiceState.RUNNING)
    restarts = metrics.service_restarts.labels(status.name)  # Present from the first status on, at 0.
    if status.state is ServiceState.RESTARTING:
        restarts.inc()
