"""The engine's side of `boundaries`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import toml
from pants.backend.python.target_types import PythonSourceField
from pants.core.goals.lint import LintResult, LintTargetsRequest
from pants.core.util_rules.partitions import PartitionerType
from pants.engine.rules import Get, MultiGet, collect_rules, rule
from pants.engine.target import Dependencies, DependenciesRequest, FieldSet, Targets
from pants.option.option_types import SkipOption
from pants.option.subsystem import Subsystem

from nodeos_plugin.boundaries import carriers, violations
from nodeos_plugin.compat import globs, read
from nodeos_plugin.plan import MANIFESTS


class TierBoundaries(Subsystem):
    options_scope = "tier-boundaries"
    name = "tier boundaries"
    help = "No source file imports a package that its own images do not carry (tier.toml, service.toml)."
    skip = SkipOption("lint")


@dataclass(frozen=True)
class TierBoundariesFieldSet(FieldSet):
    required_fields = (PythonSourceField, Dependencies)
    source: PythonSourceField
    dependencies: Dependencies


class TierBoundariesRequest(LintTargetsRequest):
    field_set_type = TierBoundariesFieldSet
    tool_subsystem = TierBoundaries
    partitioner_type = PartitionerType.DEFAULT_SINGLE_PARTITION


@rule(desc="Lint tier boundaries")
async def lint_boundaries(request: TierBoundariesRequest.Batch[TierBoundariesFieldSet, Any]) -> LintResult:
    manifests = await read(await globs(*MANIFESTS))
    documents = [toml.loads(content.decode()) for content in manifests.values()]
    carried_by = carriers({_image(document): document["packages"] for document in documents})
    imports = await MultiGet(Get(Targets, DependenciesRequest(element.dependencies)) for element in request.elements)
    found: list[str] = []
    for element, targets in zip(request.elements, imports):
        folders = [target.address.spec_path for target in targets]
        for imported, reason in violations(element.address.spec_path, folders, carried_by):
            found.append(f"{element.source.file_path} imports {imported}: {reason} ({', '.join(MANIFESTS)})")
    return LintResult(
        exit_code=1 if found else 0,
        stdout="\n".join(found),
        stderr="",
        linter_name=TierBoundaries.options_scope,
        partition_description=None,
    )


def _image(document: Mapping[str, Any]) -> str:
    return str(document.get("tier") or document["service"])


def rules():
    return [*collect_rules(), *TierBoundariesRequest.rules()]
