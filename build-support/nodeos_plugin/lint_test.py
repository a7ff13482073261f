"""The lint on Pants' own engine: a small repository in which one file imports across tiers."""

from __future__ import annotations

import pytest
from pants.backend.python import target_types_rules
from pants.backend.python.dependency_inference import rules as inference
from pants.backend.python.target_types import PythonSourcesGeneratorTarget
from pants.core.goals.lint import LintResult, Partitions
from pants.engine.addresses import Address
from pants.testutil.rule_runner import QueryRule, RuleRunner

from nodeos_plugin import lint
from nodeos_plugin.lint import TierBoundariesFieldSet, TierBoundariesRequest
from nodeos_plugin.plan import MANIFESTS

FILES = {
    "tiers/oracle/tier.toml": 'tier = "oracle"\npackages = ["ml", "core"]\n',
    "tiers/guardian/tier.toml": 'tier = "guardian"\npackages = ["risk-engine", "core"]\n',
    "packages/noderr/coordinator/service.toml": 'service = "coordinator"\npackages = ["coordinator", "core"]\n',
    "packages/noderr/coordinator/BUILD": "python_sources()",
    "packages/noderr/coordinator/registry.py": "",
    "packages/noderr/core/BUILD": "python_sources()",
    "packages/noderr/core/clock.py": "",
    "packages/noderr/ml/BUILD": "python_sources()",
    "packages/noderr/risk_engine/BUILD": "python_sources()",
    "packages/noderr/risk_engine/gate.py": "import noderr.core.clock\n",
}


@pytest.fixture
def rule_runner():
    return RuleRunner(
        rules=[
            *lint.rules(),
            *inference.rules(),
            *target_types_rules.rules(),
            QueryRule(Partitions, [TierBoundariesRequest.PartitionRequest]),
            QueryRule(LintResult, [TierBoundariesRequest.Batch]),
        ],
        target_types=[PythonSourcesGeneratorTarget],
    )


def _lint(rule_runner, source):
    rule_runner.write_files({**FILES, "packages/noderr/ml/model.py": source})
    rule_runner.set_options(
        # The parser in Python would build a PEX, and so want the network.
        ["--source-root-patterns=['/packages']", "--python-infer-use-rust-parser"]
    )
    field_sets = [
        TierBoundariesFieldSet.create(
            rule_runner.get_target(Address("packages/noderr/ml", relative_file_path="model.py"))
        )
    ]
    partitions = rule_runner.request(Partitions, [TierBoundariesRequest.PartitionRequest(tuple(field_sets))])
    (partition,) = partitions
    batch = TierBoundariesRequest.Batch("", partition.elements, partition.metadata)
    return rule_runner.request(LintResult, [batch])


def test_a_file_that_imports_across_tiers_fails(rule_runner):
    result = _lint(rule_runner, "import noderr.core.clock\nfrom noderr.risk_engine import gate\n")
    assert result.exit_code == 1
    what = "packages/noderr/ml/model.py imports packages/noderr/risk_engine"
    assert result.stdout == f"{what}: it is in no image of oracle ({', '.join(MANIFESTS)})"


def test_a_tiers_file_that_imports_a_service_fails(rule_runner):
    result = _lint(rule_runner, "from noderr.coordinator import registry\n")
    assert result.exit_code == 1
    assert "model.py imports packages/noderr/coordinator: it is in no image of oracle" in result.stdout


def test_a_file_that_stays_in_its_tier_passes(rule_runner):
    assert _lint(rule_runner, "import noderr.core.clock\n").exit_code == 0
