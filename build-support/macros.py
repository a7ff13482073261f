# The BUILD files' own words. Pants gives these functions to every BUILD file.

# What every tier carries, lowest first: each may import those before it.
SHARED = ("types", "utils", "telemetry", "core")


def noderr_package(imports, test_dependencies=[], test_utils=[], assets=[], overrides={}):
    """One folder below packages/noderr: sources, tests, and the only packages of ours that it may import.

    Between tiers the manifests decide (the lint `tier-boundaries`); `imports` says which way data flows within one.
    `assets` are files that the code reads, `test_utils` files that only tests import.
    """
    not_sources = ["!**/*_test.py", "!**/test_*.py", "!**/conftest.py", *(f"!{name}" for name in test_utils)]
    if assets:
        resources(name="assets", sources=assets)
    python_sources(
        sources=["**/*.py", "**/*.pyi", *not_sources],
        dependencies=[":assets"] if assets else [],
        overrides=overrides,
    )
    if test_utils:
        python_test_utils(name="test_utils", sources=test_utils)
    python_tests(
        name="tests", sources=["**/*_test.py"], dependencies=test_dependencies, batch_compatibility_tag="noderr"
    )
    allowed = [f"//packages/noderr/{name}/**" for name in imports]
    __dependencies_rules__(("*", "/**", *allowed, "//3rdparty/python/**", "//tiers/**", "!*"))


def node_tier(tier):
    """A tier: its node, its image and its archives, for both architectures."""
    python_sources(name="src", sources=["node.py"], dependencies=[":manifest", "//:version"])
    resources(name="manifest", sources=["tier.toml"])
    pex_binary(name="node", entry_point="node.py:main", dependencies=[":src"])
    for architecture, suffix in (("amd64", ""), ("arm64", "-arm64")):
        image_layers(
            name=f"layers{suffix}",
            tier=tier,
            architecture=architecture,
            entry_point=f"tiers.{tier}.node:main",
            dependencies=[":src"],
            shared=[f"//packages/noderr/{name}" for name in SHARED],
            base=f"//3rdparty/debian:{architecture}",
        )
        docker_image(
            name=f"image{suffix}",
            dependencies=[f":layers{suffix}", "//build-support/node_image:audit"],
            repository=f"noderr-{tier}",
            image_tags=["{build_args.NODEOS_VERSION}", "latest"],
            extra_build_args=[f"LAYERS=tiers.{tier}/layers{suffix}"],
        )
        node_archive(name=f"archive{suffix}", layers=f":layers{suffix}")
