"""The composition root of a Validator node: execution and optimization.

Its facts stand in `tier.toml` beside this file; `python -m tiers.validator.node --help` says what it can do.
"""

from __future__ import annotations

import sys
from pathlib import Path

from noderr.core import run_tier
from noderr.core.parts import NodeContext, TierParts


def parts(node: NodeContext) -> TierParts:
    """What this tier adds to the node."""
    from noderr.validator_consensus.parts import (
        consensus_parts,
    )  # Not needed for `health`, which must start in no time.

    return consensus_parts(node)


def main() -> int:
    """Run the command given on the command line (`serve` when there is none) and return the exit code."""
    here = Path(__file__)
    return run_tier(here.with_name("tier.toml"), here.parents[2] / "VERSION", make_parts=parts)


if __name__ == "__main__":
    sys.exit(main())
