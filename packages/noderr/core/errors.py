"""Errors of `noderr.core`.

CoreError
├── MisconfiguredError       what an operator must mend before a start can succeed: exit code 2
│   ├── SettingsError        environment variables, all problems at once
│   ├── VersionError         the VERSION file
│   ├── DataDirError         no directory for state
│   └── KeyFileError         the node's key
├── BindError                a server cannot listen where it is told to
│   └── PortInUseError       somebody else holds the port
├── BusError                 the event bus is used wrongly, or cannot take an event
│   ├── TopicError           a name that is none, or that two types claim
│   ├── EventTypeError       the event is not of the topic's type
│   ├── SubscriptionError    a name taken, an impossible limit, two readers of one queue
│   ├── SubscriberFullError  a subscriber that loses nothing has no room, and the publisher does not wait
│   ├── BusDeadlockError     a handler would wait for room in its own queue
│   └── BusClosedError       the bus has stopped
├── CircuitOpenError         the breaker lets no call through for now
├── FiguresError             a part was described with an impossible figure
├── OperationError           an HTTP operation cannot be documented as it is declared
└── ServiceError             a service broke its promise
    ├── ServiceEndedError    it returned without being asked to stop
    └── CriticalServiceError it is dead, and the node cannot go on without it
"""

from __future__ import annotations

from collections.abc import Sequence


class CoreError(Exception):
    """Any error of this package. Its text names what is wrong, the value, and the remedy."""


class MisconfiguredError(CoreError):
    """Starting again changes nothing: somebody must mend the node's surroundings."""


class SettingsError(MisconfiguredError):
    """Settings are wrong; `problems` lists everything found, so that all can be mended at once."""

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        lines = [f"settings: {len(self.problems)} problem(s)", *(f"  - {problem}" for problem in self.problems)]
        super().__init__("\n".join(lines))


class VersionError(MisconfiguredError):
    """The VERSION file is missing or holds no semantic version."""


class DataDirError(MisconfiguredError):
    """There is no directory in which the node may keep its state."""


class KeyFileError(MisconfiguredError):
    """The node's key cannot be used: unreadable, broken, another's, or open to others."""


class BindError(CoreError):
    """A server cannot listen on its address and port."""


class PortInUseError(BindError):
    """Another process holds the port."""


class BusError(CoreError):
    """The event bus is used wrongly, or cannot take an event."""


class TopicError(BusError):
    """A topic's name or type cannot be used."""


class EventTypeError(BusError):
    """An event is not of its topic's type; nobody got it."""


class SubscriptionError(BusError):
    """A subscription cannot be made, or is read by two tasks."""


class SubscriberFullError(BusError):
    """A blocking subscriber has no room; nobody got the event."""


class BusDeadlockError(BusError):
    """A handler published to its own full queue and would wait for itself; everybody else got the event."""


class BusClosedError(BusError):
    """The bus has stopped and takes no more events."""


class CircuitOpenError(CoreError):
    """The breaker lets no call through; the next may be tried after `retry_seconds`."""

    def __init__(self, name: str, retry_seconds: float) -> None:
        self.name = name
        self.retry_seconds = retry_seconds
        super().__init__(f"circuit {name} is open after failures: try again in {retry_seconds:.1f} s")


class FiguresError(CoreError):
    """A part was described with an impossible figure; the message names field, value and remedy."""


class OperationError(CoreError):
    """An HTTP operation is declared in a way that the OpenAPI document cannot say; the message names both."""


class ServiceError(CoreError):
    """A service broke its promise."""


class ServiceEndedError(ServiceError):
    """A service returned, or cancelled itself, without being asked to stop."""


class CriticalServiceError(ServiceError):
    """A critical service is dead."""
