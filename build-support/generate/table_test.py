from __future__ import annotations

import pytest

from generate.errors import MarkersMissing
from generate.table import BEGIN, END, replace_table, tier_table
from noderr.types import Range, TierManifest

ORACLE = TierManifest(
    tier="oracle",
    number=3,
    responsibility="Thinking",
    packages=("ml", "core"),
    http_port=3002,
    grpc_port=50052,
    stake_nodr=125_000,
    airdrop_nodr=125_000,
    cpu_cores=Range(2, 4),
    memory_gb=Range(4, 4),
    storage_gb=20,
)


def test_a_missing_package_is_shown_as_missing() -> None:
    row = tier_table([ORACLE], {"core"}).splitlines()[-1]
    assert row == (
        "| **oracle**: Thinking | 3 | 3002 / 50052 | 125,000 / 125,000 | 2–4 cores | 4 GB | 20 GB | core | ml |"
    )
    assert tier_table([ORACLE], {"core", "ml"}).endswith("| ml core | – |")


def test_only_the_table_changes() -> None:
    assert replace_table(f"a\n{BEGIN}\nold\n{END}\nb\n", "new") == f"a\n{BEGIN}\nnew\n{END}\nb\n"
    with pytest.raises(MarkersMissing, match="put them where the table is to stand"):
        replace_table("a\n", "new")
