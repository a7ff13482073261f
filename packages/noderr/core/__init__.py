"""The node that all tiers share: one supervised asyncio process with HTTP, gRPC, settings and an identity.

A tier's composition root calls `run_tier`; a package offers objects of the shape of `Service`. What is imported here is
light on purpose, see `command.py`.
"""

from noderr.core.command import run_tier
from noderr.core.errors import (
    BindError,
    CoreError,
    CriticalServiceError,
    DataDirError,
    KeyFileError,
    MisconfiguredError,
    PortInUseError,
    ServiceEndedError,
    ServiceError,
    SettingsError,
    VersionError,
)
from noderr.core.parts import NodeContext, TierParts
from noderr.core.service import Service

__all__ = [
    "BindError",
    "CoreError",
    "CriticalServiceError",
    "DataDirError",
    "KeyFileError",
    "MisconfiguredError",
    "NodeContext",
    "PortInUseError",
    "Service",
    "ServiceEndedError",
    "ServiceError",
    "SettingsError",
    "TierParts",
    "VersionError",
    "run_tier",
]
