"""The tiers' numbers, as manifests, contracts and signed messages have them. Standard library only."""

from __future__ import annotations

ORACLE_TIER = 3
GUARDIAN_TIER = 2
VALIDATOR_TIER = 1

TIER_NUMBERS = {"oracle": ORACLE_TIER, "guardian": GUARDIAN_TIER, "validator": VALIDATOR_TIER}
"""By the tier's name."""
