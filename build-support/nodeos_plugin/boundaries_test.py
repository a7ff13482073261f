from __future__ import annotations

import pytest

from nodeos_plugin.boundaries import carriers, violations

CARRIED_BY = carriers(
    {
        "oracle": ["ml-client", "ml", "core"],
        "guardian": ["risk-engine", "core"],
        "validator": ["execution", "core"],
        "coordinator": ["coordinator", "core"],
        "auto-mint": ["auto-mint", "execution", "core"],
    }
)


def test_carriers_use_folder_names():
    assert CARRIED_BY["ml_client"] == {"oracle"}
    assert CARRIED_BY["core"] == {"oracle", "guardian", "validator", "coordinator", "auto-mint"}


@pytest.mark.parametrize(
    ("importer", "imported", "reason"),
    [
        ("packages/noderr/ml", "packages/noderr/risk_engine", "it is in no image of oracle"),
        (
            "packages/noderr/core",
            "packages/noderr/ml",
            "it is in no image of auto-mint, coordinator, guardian, validator",
        ),
        ("tiers/guardian", "packages/noderr/execution", "it is in no image of guardian"),
        ("tiers/guardian", "tiers/oracle", "a composition root is imported by nobody"),
        ("packages/noderr/ml", "packages/noderr/coordinator", "it is in no image of oracle"),
        ("tiers/oracle", "packages/noderr/coordinator", "it is in no image of oracle"),
        (
            "packages/noderr/core",
            "packages/noderr/coordinator",
            "it is in no image of auto-mint, guardian, oracle, validator",
        ),
        ("packages/noderr/coordinator", "packages/noderr/ml", "it is in no image of coordinator"),
        ("packages/noderr/coordinator", "tiers/oracle", "a composition root is imported by nobody"),
        # A tier's package that a service carries too may not pull the rest of the tier into the service's image.
        ("packages/noderr/execution", "packages/noderr/risk_engine", "it is in no image of auto-mint, validator"),
        ("packages/noderr/ml/deep", "packages/noderr/execution/deep", "it is in no image of oracle"),
    ],
)
def test_import_across_tiers_is_refused(importer, imported, reason):
    assert list(violations(importer, [imported], CARRIED_BY)) == [(imported, reason)]


@pytest.mark.parametrize(
    ("importer", "imported"),
    [
        ("packages/noderr/ml", "packages/noderr/ml_client"),
        ("packages/noderr/ml", "packages/noderr/core"),
        ("tiers/oracle", "packages/noderr/ml"),
        ("tests", "packages/noderr/ml"),
        ("packages/noderr/coordinator", "packages/noderr/core"),
        ("packages/noderr/auto_mint", "packages/noderr/execution"),
        ("packages/noderr/ml", "3rdparty/python"),
    ],
)
def test_import_within_a_tier_passes(importer, imported):
    assert list(violations(importer, [imported], CARRIED_BY)) == []
