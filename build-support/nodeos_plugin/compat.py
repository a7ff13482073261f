"""Every call into Pants' engine, in small functions.

`Get` and `MultiGet` vanish in Pants 2.32: moving there means new bodies here and nothing in the rules.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pants.backend.python.target_types import PythonRequirementsField, PythonRequirementTypeStubModulesField
from pants.backend.python.util_rules.pex_cli import PexCliProcess
from pants.backend.python.util_rules.pex_requirements import PexRequirements
from pants.backend.python.util_rules.python_sources import PythonSourceFilesRequest, StrippedPythonSourceFiles
from pants.core.goals.package import BuiltPackage, EnvironmentAwarePackageRequest, PackageFieldSet
from pants.core.goals.run import RunFieldSet, RunInSandboxRequest, RunRequest
from pants.engine.addresses import Address, Addresses, UnparsedAddressInputs
from pants.engine.env_vars import EnvironmentVars, EnvironmentVarsRequest
from pants.engine.fs import (
    AddPrefix,
    CreateDigest,
    Digest,
    DigestContents,
    DigestSubset,
    GlobExpansionConjunction,
    MergeDigests,
    PathGlobs,
    Paths,
    RemovePrefix,
    Snapshot,
)
from pants.engine.process import Process, ProcessResult
from pants.engine.rules import Get, MultiGet
from pants.engine.target import (
    FieldSetsPerTarget,
    FieldSetsPerTargetRequest,
    Target,
    Targets,
    TransitiveTargets,
    TransitiveTargetsRequest,
)
from pants.option.global_options import GlobMatchErrorBehavior
from pants.util.frozendict import FrozenDict
from pants.util.logging import LogLevel

_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy")
_NETWORK = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", *_PROXIES)
_MIRROR = ("NODEOS_DEBIAN_MIRROR", "NODEOS_DEBIAN_SNAPSHOT")


@dataclass(frozen=True)
class Closure:
    """What targets reach: third-party requirements, and first-party sources below their import roots."""

    requirements: tuple[str, ...]
    sources: Digest


async def resolve_addresses(specs: tuple[str, ...], owner: Address, field: str) -> Addresses:
    """Addresses written in a BUILD file."""
    origin = f"the `{field}` field of {owner}"
    return await Get(Addresses, UnparsedAddressInputs(specs, owning_address=owner, description_of_origin=origin))


async def closure(addresses: Addresses) -> Closure:
    """Everything that `addresses` reach, without the benchmarks among them: those are for people, not for images."""
    roots = await Get(Targets, Addresses, addresses)
    wanted = [root.address for root in roots if not (root.address.relative_file_path or "").endswith("_bench.py")]
    transitive = await Get(TransitiveTargets, TransitiveTargetsRequest(wanted))
    targets = transitive.closure
    fields = [target[PythonRequirementsField] for target in targets if _is_run_time_requirement(target)]
    stripped = await Get(StrippedPythonSourceFiles, PythonSourceFilesRequest(targets, include_resources=True))
    requirements = PexRequirements.req_strings_from_requirement_fields(fields)
    return Closure(tuple(sorted(requirements)), stripped.stripped_source_files.snapshot.digest)


def _is_run_time_requirement(target: Target) -> bool:
    """Type stubs are inferred as dependencies too; they are for mypy, and no image needs them."""
    return target.has_field(PythonRequirementsField) and not target[PythonRequirementTypeStubModulesField].value


async def package(address: Address) -> BuiltPackage:
    """Build what `./pants package` would build of one address."""
    (built,) = await packages(Addresses([address]))
    return built


async def packages(addresses: Addresses) -> tuple[BuiltPackage, ...]:
    """Build several addresses side by side."""
    targets = await Get(Targets, Addresses, addresses)
    found = await Get(FieldSetsPerTarget, FieldSetsPerTargetRequest(PackageFieldSet, targets))
    for target, field_sets in zip(targets, found.collection):
        if len(field_sets) != 1:
            raise ValueError(f"{target.address} cannot be packaged: name a target that can")
    return await MultiGet(
        Get(BuiltPackage, EnvironmentAwarePackageRequest(field_sets[0])) for field_sets in found.collection
    )


async def runnable(address: str) -> RunFieldSet:
    """What `./pants run` would start of one address."""
    addresses = await Get(
        Addresses, UnparsedAddressInputs((address,), owning_address=None, description_of_origin="a rule")
    )
    targets = await Get(Targets, Addresses, addresses)
    field_sets = await Get(FieldSetsPerTarget, FieldSetsPerTargetRequest(RunFieldSet, targets))
    return field_sets.field_sets[0]


async def run_tool(
    address: str,
    arguments: tuple[str, ...],
    inputs: Digest,
    output_directory: str,
    *,
    description: str,
    caches: Mapping[str, str] = FrozenDict(),
    with_network: bool = False,
) -> Digest:
    """Run a program of this repository in Pants' sandbox; returns what it left in `output_directory`, without prefix.

    A program with the network gets the variables that say how to reach it, and its cache key forgets nothing of them.
    """
    field_set = await runnable(address)
    tool = await Get(RunInSandboxRequest, RunFieldSet, field_set)
    merged = await Get(Digest, MergeDigests([tool.digest, inputs]))
    extra: Mapping[str, str] = FrozenDict()
    if with_network:
        extra = await Get(EnvironmentVars, EnvironmentVarsRequest([*_NETWORK, *_MIRROR]))
    process = Process(
        argv=(*tool.args, *arguments),
        description=description,
        input_digest=merged,
        env={**extra, **tool.extra_env},
        immutable_input_digests=tool.immutable_input_digests,
        append_only_caches={**(tool.append_only_caches or {}), **caches},
        output_directories=(output_directory,),
        level=LogLevel.INFO,
    )
    result = await Get(ProcessResult, Process, process)
    return await Get(Digest, RemovePrefix(result.output_digest, output_directory))


async def install_distributions(
    requirements: tuple[str, ...], lock: Digest, lock_path: str, platform_path: str, *, description: str
) -> Digest:
    """A flat site-packages tree of the locked distributions that `requirements` reach, for the given platform.

    Pex resolves for the platform file alone: neither an interpreter of the target nor its processor is needed.
    """
    if not requirements:
        return await Get(Digest, CreateDigest([]))
    arguments = ["--lock", lock_path, "--complete-platform", platform_path, "--layout", "flat", "-d", "installed"]
    result = await Get(
        ProcessResult,
        PexCliProcess(
            subcommand=("venv", "create"),
            extra_args=(*arguments, "--no-build", *requirements),
            additional_input_digest=lock,
            output_directories=("installed",),
            description=description,
        ),
    )
    return await Get(Digest, RemovePrefix(result.output_digest, "installed"))


async def globs(*patterns: str) -> Digest:
    """Files of the repository; a pattern that matches nothing is an error."""
    wanted = PathGlobs(
        patterns,
        glob_match_error_behavior=GlobMatchErrorBehavior.error,
        conjunction=GlobExpansionConjunction.all_match,
        description_of_origin="the NodeOS plugin",
    )
    return await Get(Digest, PathGlobs, wanted)


async def paths(*patterns: str) -> tuple[str, ...]:
    """Names of the files that match."""
    found = await Get(Paths, PathGlobs(patterns))
    return found.files


async def at(prefix: str, digest: Digest) -> Digest:
    """The same files below `prefix`."""
    return await Get(Digest, AddPrefix(digest, prefix))


async def merge(*digests: Digest) -> Digest:
    """The files of all."""
    return await Get(Digest, MergeDigests(digests))


async def read(digest: Digest, pattern: str = "**") -> dict[str, bytes]:
    """Contents by path, of the files that match; the others stay out of memory."""
    subset = await Get(Digest, DigestSubset(digest, PathGlobs([pattern])))
    contents = await Get(DigestContents, Digest, subset)
    return {entry.path: entry.content for entry in contents}


async def names(digest: Digest) -> tuple[str, ...]:
    """Paths of the files in a digest."""
    snapshot = await Get(Snapshot, Digest, digest)
    return snapshot.files


async def environment(*wanted: str) -> Mapping[str, str]:
    """The variables that are set."""
    return await Get(EnvironmentVars, EnvironmentVarsRequest(wanted))


async def run_request(address: str) -> RunRequest:
    """How `./pants run` would start one address."""
    field_set = await runnable(address)
    return await Get(RunRequest, RunFieldSet, field_set)


async def with_more(request: RunRequest, digest: Digest, arguments: tuple[str, ...]) -> RunRequest:
    """The same program with more files beside it and more arguments."""
    merged = await Get(Digest, MergeDigests([request.digest, digest]))
    return RunRequest(
        digest=merged,
        args=(*request.args, *arguments),
        extra_env=request.extra_env,
        immutable_input_digests=request.immutable_input_digests,
        append_only_caches=request.append_only_caches,
    )
