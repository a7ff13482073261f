"""The composition root of a Guardian node: risk and compliance.

Its facts stand in `tier.toml` beside this file; `python -m tiers.guardian.node --help` says what it can do.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from noderr.core import run_tier
from noderr.core.parts import NodeContext, TierCommand, TierParts
from noderr.types import TierManifest


def parts(node: NodeContext) -> TierParts:
    """What this tier adds to the node."""
    from noderr.guardian_consensus.parts import guardian_parts  # Not needed for `health`, which must start in no time.

    return guardian_parts(node)


def safety(arguments: Sequence[str], environ: Mapping[str, str], manifest: TierManifest) -> int:
    """What only somebody on this machine may do: resume trading, permit it live."""
    from noderr.safety_control.command import run_safety

    return run_safety(arguments, environ, manifest)


def main() -> int:
    """Run the command given on the command line (`serve` when there is none) and return the exit code."""
    here = Path(__file__)
    commands = {"safety": TierCommand("halt, resume and permit trading; `safety --help`", safety)}
    return run_tier(here.with_name("tier.toml"), here.parents[2] / "VERSION", make_parts=parts, commands=commands)


if __name__ == "__main__":
    sys.exit(main())
