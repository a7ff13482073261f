"""How the four things are built. What a tar holds and what a manifest allows is decided by the programs run here."""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass
from pathlib import PurePath

from pants.backend.python.subsystems.setup import PythonSetup
from pants.core.goals.package import BuiltPackage, BuiltPackageArtifact, OutputPathField, PackageFieldSet
from pants.core.goals.run import RunFieldSet, RunInSandboxBehavior, RunRequest
from pants.engine.platform import Platform
from pants.engine.rules import collect_rules, rule
from pants.engine.target import Dependencies
from pants.engine.unions import UnionRule
from pants.version import VERSION as PANTS_VERSION

from nodeos_plugin.compat import (
    at,
    closure,
    environment,
    globs,
    install_distributions,
    merge,
    names,
    package,
    packages,
    paths,
    read,
    resolve_addresses,
    run_request,
    run_tool,
    with_more,
)
from nodeos_plugin.plan import (
    MANIFESTS,
    archive_arguments,
    dependencies_arguments,
    existing_packages,
    host_architecture,
    layers_arguments,
    log_lines,
    rootfs_arguments,
)
from nodeos_plugin.target_types import (
    ArchitectureField,
    ArchivesField,
    BaseField,
    DebianLockField,
    EntryPointField,
    LayersField,
    ManifestField,
    NodeSourcesField,
    PublisherField,
    SharedField,
)

logger = logging.getLogger(__name__)

_RESOLVE = "product"


@dataclass(frozen=True)
class DebianRootfsFieldSet(PackageFieldSet):
    required_fields = (DebianLockField,)
    lock: DebianLockField
    architecture: ArchitectureField
    output_path: OutputPathField


@dataclass(frozen=True)
class ImageLayersFieldSet(PackageFieldSet):
    required_fields = (ManifestField, EntryPointField, NodeSourcesField)
    manifest: ManifestField
    entry_point: EntryPointField
    sources: NodeSourcesField
    shared: SharedField
    base: BaseField
    architecture: ArchitectureField
    output_path: OutputPathField


@dataclass(frozen=True)
class NodeArchiveFieldSet(PackageFieldSet):
    required_fields = (LayersField,)
    layers: LayersField
    output_path: OutputPathField


@dataclass(frozen=True)
class ReleaseFieldSet(RunFieldSet):
    required_fields = (ArchivesField, PublisherField)
    run_in_sandbox_behavior = RunInSandboxBehavior.NOT_SUPPORTED
    archives: ArchivesField
    publisher: PublisherField


@rule(desc="Build the Debian root file system")
async def build_rootfs(field_set: DebianRootfsFieldSet, platform: Platform) -> BuiltPackage:
    lock = field_set.lock.file_path
    # The base's own Python compiles its bytecode, so one that this machine can run is unpacked beside the target's.
    compiler = str(PurePath(lock).with_name(f"{host_architecture(platform.value)}.lock"))
    output = field_set.output_path.value_or_default(file_ending=None)
    built = await run_tool(
        "build-support/base_image:rootfs_tool",
        rootfs_arguments(lock, compiler),
        await globs(lock, compiler, "3rdparty/debian/packages.txt"),
        "out",
        description=f"Assemble {field_set.address} from Debian packages",
        caches={"nodeos_debs": ".debs"},
        with_network=True,
    )
    artifacts = tuple(BuiltPackageArtifact(f"{output}/{name}") for name in ("rootfs.tar", "facts.json"))
    return BuiltPackage(await at(output, built), artifacts)


@rule(desc="Build image layers")
async def build_layers(field_set: ImageLayersFieldSet, platform: Platform, python: PythonSetup) -> BuiltPackage:
    folder, architecture = field_set.address.spec_path, field_set.architecture.value
    manifest, lock = f"{folder}/{field_set.manifest.value}", python.resolves[_RESOLVE]
    platform_path = f"3rdparty/debian/platforms/{architecture}.json"

    base_spec = field_set.base.value
    compiler_spec = base_spec.rpartition(":")[0] + ":" + host_architecture(platform.value)
    bases = await resolve_addresses((base_spec, compiler_spec), field_set.address, "base")
    roots = await resolve_addresses(tuple(field_set.sources.value or ()), field_set.address, Dependencies.alias)
    common = await resolve_addresses(tuple(field_set.shared.value or ()), field_set.address, SharedField.alias)

    everything = await closure(roots)
    shared = await closure(common)
    locked = await globs(lock, platform_path)
    description = f"Install the distributions of {folder} for {architecture}"
    # A service may reach a part of the shared packages; the layer that they make is the same in every image.
    requirements = tuple(sorted({*everything.requirements, *shared.requirements}))
    all_tree = await install_distributions(requirements, locked, lock, platform_path, description=description)
    shared_tree = await install_distributions(
        shared.requirements, locked, lock, platform_path, description="Install the distributions that all images share"
    )
    base = await package(bases[0])
    compiler = await package(bases[-1])
    # Distributions change with the lock, code with every edit: two programs, so that Pants keeps the first's work.
    dependencies = await run_tool(
        "build-support/node_image:dependencies_tool",
        dependencies_arguments(compiler.artifacts[0].relpath or ""),
        await merge(await at("all", all_tree), await at("shared", shared_tree), compiler.digest),
        "out",
        description=f"Make the layers of {folder}'s distributions for {architecture}",
    )
    manifests = await globs(*MANIFESTS)
    inputs = await merge(
        await at("dependencies", dependencies),
        await at("sources", everything.sources),
        manifests,
        base.digest,
        compiler.digest,
    )
    exists = existing_packages(await paths("packages/noderr/*/__init__.py"))
    built = await run_tool(
        "build-support/node_image:layers_tool",
        layers_arguments(
            manifest=manifest,
            manifests=await names(manifests),
            base=base.artifacts[0].relpath or "",
            facts=base.artifacts[1].relpath or "",
            compiler=compiler.artifacts[0].relpath or "",
            entry_point=field_set.entry_point.value,
            architecture=architecture,
            existing=exists,
        ),
        inputs,
        "out",
        description=f"Make the layers of {folder} for {architecture}",
    )
    output = field_set.output_path.value_or_default(file_ending=None)
    content = await at(output, built)
    described = await read(content, f"{output}/image.json")
    missing = json.loads(described[f"{output}/image.json"])["packages"]["missing"]
    if missing:
        logger.info(f"{manifest}: {len(missing)} listed packages do not exist yet: {', '.join(missing)}")
    return BuiltPackage(content, tuple(BuiltPackageArtifact(name) for name in await names(content)))


@rule(desc="Build an archive")
async def build_archive(field_set: NodeArchiveFieldSet) -> BuiltPackage:
    layers_address = await resolve_addresses((field_set.layers.value,), field_set.address, LayersField.alias)
    layers = await package(layers_address[0])
    facts = await environment("NODEOS_VERSION", "NODEOS_COMMIT", "NODEOS_COMMIT_TIME", "NODEOS_PEX_VERSION")
    folder = str(PurePath(layers.artifacts[0].relpath or "").parent)
    built = await run_tool(
        "build-support/node_image:archive_tool",
        archive_arguments(folder, facts, PANTS_VERSION),
        layers.digest,
        "out",
        description=f"Assemble {field_set.address}",
    )
    output = str(PurePath(field_set.output_path.value_or_default(file_ending=None)).parent)
    content = await at(output, built)
    written = await names(content)
    (metadata,) = (await read(content, f"{output}/*.json")).values()
    document = json.loads(metadata)
    first, *others = written
    lines = log_lines(document)
    return BuiltPackage(content, (*(BuiltPackageArtifact(name) for name in others), BuiltPackageArtifact(first, lines)))


@rule(desc="Prepare a release")
async def run_release(field_set: ReleaseFieldSet) -> RunRequest:
    archives = await resolve_addresses(tuple(field_set.archives.value or ()), field_set.address, ArchivesField.alias)
    built = await packages(archives)
    publisher = await run_request(field_set.publisher.value)
    files: tuple[str, ...] = tuple(
        f"{{chroot}}/{artifact.relpath}"
        for one in built
        for artifact in one.artifacts
        if artifact.relpath and artifact.relpath.endswith(".tar.gz")
    )
    everything = await merge(*(one.digest for one in built))
    return await with_more(publisher, everything, files)


def rules():
    return [
        *collect_rules(),
        UnionRule(PackageFieldSet, DebianRootfsFieldSet),
        UnionRule(PackageFieldSet, ImageLayersFieldSet),
        UnionRule(PackageFieldSet, NodeArchiveFieldSet),
        *ReleaseFieldSet.rules(),
    ]
