# The BUILD files' own words. Pants gives these functions to every BUILD file.

# What every tier and every service carries, lowest first: each may import those before it.
SHARED = ("types", "utils", "telemetry", "core")


def noderr_package(
    imports,
    dependencies=[],
    test_dependencies=[],
    test_utils=[],
    assets=[],
    stubs=[],
    loaded_by_name=[],
    tools=[],
    overrides={},
):
    """One folder below packages/noderr: sources, tests, and the only packages of ours that it may import.

    Between images the manifests decide (the lint `tier-boundaries`); `imports` says which way data flows within one.
    `assets` are files that the code reads, `stubs` are `.pyi` files, `loaded_by_name` sources that nothing imports and
    that are looked for on disk (migrations), `tools` programs for developers that belong in no image, `test_utils` files
    that only tests import.
    """
    not_sources = ["**/*_test.py", "**/test_*.py", "**/conftest.py", *test_utils, *loaded_by_name, *tools]
    if assets:
        resources(name="assets", sources=assets)
    if loaded_by_name:
        python_sources(name="loaded_by_name", sources=loaded_by_name)
    if tools:
        python_sources(name="tools", sources=tools)
    python_sources(
        sources=["**/*.py", *stubs, *(f"!{name}" for name in not_sources)],
        dependencies=[
            *dependencies,
            *([":assets"] if assets else []),
            *([":loaded_by_name"] if loaded_by_name else []),
        ],
        overrides=overrides,
    )
    if test_utils:
        python_test_utils(name="test_utils", sources=test_utils)
    python_tests(
        name="tests", sources=["**/*_test.py"], dependencies=test_dependencies, batch_compatibility_tag="noderr"
    )
    allowed = [f"//packages/noderr/{name}/**" for name in imports]
    __dependencies_rules__(
        ("<docker_image>", "/**", "//build-support/node_image:audit", "!*"),
        ("*", "/**", *allowed, "//3rdparty/python/**", "//tiers/**", "//:version", "//packages/noderr:services", "!*"),
    )


def images(name, folder, manifest, entry_point, dependencies):
    """The image and the archives of a tier or a service, for both architectures."""
    for architecture, suffix in (("amd64", ""), ("arm64", "-arm64")):
        image_layers(
            name=f"layers{suffix}",
            manifest=manifest,
            architecture=architecture,
            entry_point=entry_point,
            dependencies=dependencies,
            shared=[f"//packages/noderr/{package}" for package in SHARED],
            base=f"//3rdparty/debian:{architecture}",
        )
        docker_image(
            name=f"image{suffix}",
            dependencies=[f":layers{suffix}", "//build-support/node_image:audit"],
            repository=f"noderr-{name}",
            image_tags=["{build_args.NODEOS_VERSION}", "latest"],
            extra_build_args=[f"LAYERS={folder.replace('/', '.')}/layers{suffix}"],
        )
        node_archive(name=f"archive{suffix}", layers=f":layers{suffix}")


def node_tier(tier):
    """A tier: its node, its image and its archives."""
    python_sources(name="src", sources=["node.py"], dependencies=[":manifest", "//:version"])
    resources(name="manifest", sources=["tier.toml"])
    pex_binary(name="node", entry_point="node.py:main", dependencies=[":src"])
    images(tier, f"tiers/{tier}", "tier.toml", f"tiers.{tier}.node:main", [":src"])


def operator_service(name, imports=[], **package):
    """A service of the network operator: a package that runs by itself, its image and its archives.

    It may import the shared packages, and `imports` beside them; `package` is what `noderr_package` takes besides.
    """
    folder = name.replace("-", "_")
    resources(name="manifest", sources=["service.toml"])
    package["test_dependencies"] = [*package.get("test_dependencies", []), ":manifest", "//tiers:generated"]
    noderr_package(imports=[*SHARED, *imports], dependencies=[":manifest", "//:version"], **package)
    pex_binary(name="service", entry_point="__main__.py:main")
    images(name, f"packages/noderr/{folder}", "service.toml", f"noderr.{folder}.__main__:main", [f":{folder}"])
