"""One process of ours, a node or a service of the network operator: an event loop, a supervisor, signals, vitals."""

from __future__ import annotations

import asyncio
import faulthandler
import gc
import signal
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import structlog
import uvloop

from noderr.core.errors import CoreError
from noderr.core.service import Service
from noderr.core.status import ServiceState, ServiceStatus, StatusBoard
from noderr.core.supervisor import Supervisor
from noderr.core.vitals import Vitals
from noderr.telemetry import LoopHeartbeat, NodeMetrics
from noderr.utils import Clock

_log = structlog.get_logger("noderr.core.process")

_HARD_LIMIT_EXTRA_SECONDS = 0.7
"""After the drain; together with its longest, nine seconds, it stays below the ten after which Docker kills."""


@dataclass(frozen=True)
class ProcessParts:
    """What every process has before its own services are made."""

    metrics: NodeMetrics
    clock: Clock
    board: StatusBoard
    vitals: Vitals


type MakeServices = Callable[[ProcessParts], Sequence[Service]]


def run_process(
    make_services: MakeServices,
    *,
    metrics: NodeMetrics,
    clock: Clock,
    drain_seconds: float,
    missing_packages: Sequence[str] = (),
) -> None:
    """Run the services that `make_services` makes, called inside the running loop, until SIGTERM or SIGINT.

    Raises `CoreError` when the process cannot start or go on.
    """
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_run(make_services, metrics, clock, drain_seconds, missing_packages))
    except CoreError as error:
        _log.critical("node_died", error=error)
        raise
    _log.info("node_stopped")


async def _run(
    make_services: MakeServices,
    metrics: NodeMetrics,
    clock: Clock,
    drain_seconds: float,
    missing_packages: Sequence[str],
) -> None:
    board = StatusBoard()
    board.subscribe(lambda status: _measure(status, metrics))
    heartbeat = LoopHeartbeat(metrics.event_loop_lag)
    vitals = Vitals(board, loop_turning=heartbeat.turning, missing_packages=missing_packages)
    metrics.node_ready.set_function(lambda: not vitals.missing())
    services = (heartbeat, *make_services(ProcessParts(metrics, clock, board, vitals)))
    supervisor = Supervisor(services, board, drain_seconds=drain_seconds, clock=clock)
    # Modules and classes stay to the end. Looking through all of them again and again stops the loop for a tenth of a
    # second each time, and that of all nodes at about the same time.
    gc.freeze()
    await supervisor.run(_stop_on_signals(drain_seconds + _HARD_LIMIT_EXTRA_SECONDS))


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
