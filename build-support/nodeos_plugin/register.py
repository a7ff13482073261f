"""What Pants loads."""

from __future__ import annotations

from nodeos_plugin import lint
from nodeos_plugin import rules as packaging
from nodeos_plugin.target_types import DebianRootfsTarget, ImageLayersTarget, NodeArchiveTarget, ReleaseTarget


def target_types():
    return [DebianRootfsTarget, ImageLayersTarget, NodeArchiveTarget, ReleaseTarget]


def rules():
    return [*packaging.rules(), *lint.rules()]
