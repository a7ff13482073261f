"""Is the node alive, and is it ready? Pure questions to the status board, asked by HTTP, gRPC and metrics alike."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from noderr.core.status import ServiceState, StatusBoard


@dataclass(frozen=True)
class Missing:
    """One thing that a ready node has and this one has not. `kind` is "service", "package" or "need"."""

    kind: str
    name: str
    reason: str


class Vitals:
    """`loop_turning` tells whether the event loop's heartbeat is recent."""

    def __init__(
        self, board: StatusBoard, *, loop_turning: Callable[[], bool], missing_packages: Sequence[str] = ()
    ) -> None:
        self._board = board
        self._loop_turning = loop_turning
        self._missing_packages = tuple(missing_packages)

    def problems(self) -> tuple[str, ...]:
        """Why the node is not alive; empty when every critical service runs and the event loop turns."""
        found = [
            f"critical service {status.name} is {status.state}" + (f": {status.problem}" if status.problem else "")
            for status in self._board.statuses()
            if status.critical and status.state is not ServiceState.RUNNING
        ]
        if not self._loop_turning():
            found.append("the event loop has not turned for too long")
        return tuple(found)

    def missing(self) -> tuple[Missing, ...]:
        """Why the node is not ready; empty when it can do all of its tier's work."""
        found = [Missing("package", name, "not in this build") for name in self._missing_packages]
        for service in self._board.services():
            status = self._board.status(service.name)
            if status.state is ServiceState.RUNNING:
                found += [Missing("need", service.name, need) for need in service.missing()]
            else:
                found.append(Missing("service", service.name, status.problem or f"is {status.state}"))
        return tuple(found)
