"""Errors of `noderr.core`.

CoreError
├── MisconfiguredError       what an operator must mend before a start can succeed: exit code 2
│   ├── SettingsError        environment variables, all problems at once
│   ├── VersionError         the VERSION file
│   ├── DataDirError         no directory for state
│   └── KeyFileError         the node's key
├── BindError                a server cannot listen where it is told to
│   └── PortInUseError       somebody else holds the port
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


class ServiceError(CoreError):
    """A service broke its promise."""


class ServiceEndedError(ServiceError):
    """A service returned, or cancelled itself, without being asked to stop."""


class CriticalServiceError(ServiceError):
    """A critical service is dead."""
