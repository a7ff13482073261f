"""The status board: which services the node has and how each of them is. The supervisor writes, everybody reads."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from copy import replace
from dataclasses import dataclass
from enum import StrEnum

from noderr.core.errors import ServiceError
from noderr.core.service import Service


class ServiceState(StrEnum):
    """Where in its life a service is."""

    WAITING = "waiting"  # for services that it requires
    STARTING = "starting"
    RUNNING = "running"
    RESTARTING = "restarting"  # failed, and waits to be started again
    STOPPING = "stopping"
    STOPPED = "stopped"
    FAILED = "failed"  # dead; it is not started again


@dataclass(frozen=True)
class ServiceStatus:
    """One service at one moment. `problem` is the latest failure, kept until the service runs again."""

    name: str
    critical: bool
    state: ServiceState = ServiceState.WAITING
    restarts: int = 0
    problem: str | None = None


class StatusBoard:
    """Statuses by service, in the order of enrolment. Subscribers are called at once after each change."""

    def __init__(self) -> None:
        self._services: dict[str, Service] = {}
        self._statuses: dict[str, ServiceStatus] = {}
        self._subscribers: list[Callable[[ServiceStatus], None]] = []
        self._changed = asyncio.Event()

    def enrol(self, service: Service) -> None:
        """Add a service. Raises `ServiceError` when its name is taken."""
        if service.name in self._services:
            raise ServiceError(f"two services are named {service.name!r}: give each a name of its own")
        self._services[service.name] = service
        self._publish(ServiceStatus(service.name, service.critical))

    def change(self, name: str, state: ServiceState, problem: str | None = None) -> None:
        """Record a new state. Entering RESTARTING counts one restart."""
        old = self._statuses[name]
        restarts = old.restarts + (state is ServiceState.RESTARTING)
        self._publish(replace(old, state=state, restarts=restarts, problem=problem))

    async def when_running(self, names: Sequence[str], *, waiting: str) -> None:
        """Return once all of `names` run; until then the status of `waiting` says for which it waits."""
        while absent := [name for name in names if self._statuses[name].state is not ServiceState.RUNNING]:
            reason = f"waits for {', '.join(absent)}"
            status = self._statuses[waiting]
            if (status.state, status.problem) != (ServiceState.WAITING, reason):
                self.change(waiting, ServiceState.WAITING, reason)
            self._changed.clear()
            await self._changed.wait()

    def subscribe(self, subscriber: Callable[[ServiceStatus], None]) -> None:
        """Call `subscriber` with each status that changes from now on."""
        self._subscribers.append(subscriber)

    def services(self) -> tuple[Service, ...]:
        return tuple(self._services.values())

    def statuses(self) -> tuple[ServiceStatus, ...]:
        return tuple(self._statuses.values())

    def status(self, name: str) -> ServiceStatus:
        return self._statuses[name]

    def _publish(self, status: ServiceStatus) -> None:
        self._statuses[status.name] = status
        self._changed.set()
        for subscriber in self._subscribers:
            subscriber(status)
