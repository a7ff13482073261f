from __future__ import annotations

import json
import os
import random
import shutil
from collections.abc import Iterator
from copy import replace
from pathlib import Path

import pytest

from canonical import Entry, read_tar
from node_image.conftest import BASE, MANIFEST, SOURCES, Workshop, changed, make_workshop, write_files
from node_image.description import LAYER_NAMES
from node_image.errors import DistributionError, ForeignPackageError, LayerError, UnusedPackageError
from node_image.facts import ImageFacts, check_layers, read_facts
from noderr.types import ManifestError


def _digests(facts: ImageFacts) -> dict[str, str]:
    return {layer.name: layer.diff_id for layer in facts.layers}


def _paths(out: Path, layer: str) -> Iterator[str]:
    with (out / f"{layer}.tar").open("rb") as handle:
        yield from (entry.path for entry in read_tar(handle) if entry.kind != "dir")


def test_same_bytes_twice(tmp_path: Path) -> None:
    _, first = make_workshop(tmp_path / "one").make()
    before = os.umask(0o077)
    try:
        other = make_workshop(tmp_path / "some/other/place")
        for path in sorted(other.folder.rglob("*"), key=lambda path: random.Random(str(path)).random()):
            os.utime(path, (1_000_000, 1_000_000))
        _, second = other.make()
    finally:
        os.umask(before)
    assert _digests(first) == _digests(second)


def test_one_source_edit_changes_only_the_source_layer(shop: Workshop) -> None:
    _, before = shop.make("before")
    (shop.inputs.sources / "noderr/types/__init__.py").write_text("TIER = 'other'\n")
    _, after = shop.make("after")
    changed_layers = [name for name in LAYER_NAMES if _digests(before)[name] != _digests(after)[name]]
    assert changed_layers == ["source"]


def test_the_shared_layer_does_not_depend_on_what_a_tier_has_beside_it(shop: Workshop) -> None:
    _, before = shop.make("before")
    shop.add_distribution(shop.everything, "another", "1.0", {"another.py": "VALUE = 3\n"})
    _, after = shop.make("after")
    assert _digests(before)["shared"] == _digests(after)["shared"]
    assert _digests(before)["own"] != _digests(after)["own"]


def test_each_layer_holds_its_part(shop: Workshop) -> None:
    out, _ = shop.make()
    packages = "usr/local/lib/python3.13/dist-packages"
    assert list(_paths(out, "base")) == ["etc/passwd", "usr/bin/python3.13"]
    assert list(_paths(out, "shared")) == [
        f"{packages}/Shared.Library-1.0.dist-info/METADATA",
        f"{packages}/shared_library/__init__.py",
        f"{packages}/shared_library/__pycache__/__init__.cpython-313.pyc",
        "usr/share/noderr/shared.json",
    ]
    assert list(_paths(out, "own")) == [
        f"{packages}/__pycache__/tier_library.cpython-313.pyc",
        f"{packages}/tier_library-2.0.dist-info/METADATA",
        f"{packages}/tier_library.py",
        "usr/share/noderr/own.json",
    ]
    code = [path for path in _paths(out, "source") if not path.endswith(".pyc")]
    assert code == [
        "opt/noderr/VERSION",
        "opt/noderr/__main__.py",
        "opt/noderr/inventory.json",
        "opt/noderr/noderr/core/__init__.py",
        "opt/noderr/noderr/risk_engine/__init__.py",
        "opt/noderr/noderr/types/__init__.py",
        "opt/noderr/tiers/guardian/node.py",
        "opt/noderr/tiers/guardian/tier.toml",
    ]


def test_a_services_code_manifest_migrations_and_pages_are_in_its_source_layer(service_shop: Workshop) -> None:
    out, facts = service_shop.make()
    code = [path for path in _paths(out, "source") if not path.endswith(".pyc")]
    folder = "opt/noderr/noderr/coordinator"
    assert code == [
        "opt/noderr/VERSION",
        "opt/noderr/__main__.py",
        "opt/noderr/inventory.json",
        f"{folder}/__init__.py",
        f"{folder}/__main__.py",
        f"{folder}/migrations/env.py",
        f"{folder}/migrations/versions/0001_first.py",
        f"{folder}/page.html",
        f"{folder}/service.toml",
        "opt/noderr/noderr/core/__init__.py",
        "opt/noderr/noderr/types/__init__.py",
    ]
    assert f"{folder}/migrations/versions/__pycache__/0001_first.cpython-313.pyc" in _paths(out, "source")
    assert facts.first_party.present == ("coordinator", "core", "types")
    document = json.loads((out / "image.json").read_text())
    assert (document["service"], "tier" in document) == ("coordinator", False)
    assert read_facts(out / "image.json") == facts


def test_a_service_shares_base_and_shared_layer_with_the_tiers(shop: Workshop, service_shop: Workshop) -> None:
    tier, service = _digests(shop.make()[1]), _digests(service_shop.make()[1])
    assert [name for name in LAYER_NAMES if tier[name] == service[name]] == ["base", "shared", "own"]


def test_a_services_package_in_a_tiers_image_is_refused(shop: Workshop) -> None:
    write_files(shop.inputs.sources, {"noderr/coordinator/__init__.py": ""})
    with pytest.raises(ForeignPackageError, match=r"package coordinator .* is not in tiers/guardian/tier\.toml"):
        shop.make()


def test_a_tier_without_distributions_of_its_own_still_has_four_layers(shop: Workshop) -> None:
    shutil.rmtree(shop.everything)
    shutil.copytree(shop.shared, shop.everything)
    (shop.inputs.sources / "noderr/risk_engine/__init__.py").write_text("")
    out, facts = shop.make()
    assert list(_paths(out, "own")) == ["usr/share/noderr/own.json"]
    assert [layer.name for layer in facts.layers] == list(LAYER_NAMES)


def test_the_facts_are_read_back_as_they_were_written(shop: Workshop) -> None:
    out, facts = shop.make()
    assert read_facts(out / "image.json") == facts
    assert facts.first_party.present == ("risk-engine", "core", "types")
    assert facts.first_party.missing == ("guardian-consensus", "telemetry", "utils")
    assert facts.distributions == {"shared-library": "1.0", "tier-library": "2.0"}
    assert json.loads((out / "image.json").read_text())["tier"] == "guardian"
    check_layers(out, facts.layers)


def test_a_layer_that_was_changed_afterwards_is_refused(shop: Workshop) -> None:
    out, facts = shop.make()
    with (out / "own.tar").open("ab") as handle:
        handle.write(bytes(512))
    with pytest.raises(LayerError, match=r"own\.tar: is not the layer that image\.json describes"):
        check_layers(out, facts.layers)


def test_a_file_that_everyone_can_write_is_refused(shop: Workshop) -> None:
    shop.write_base([*BASE, Entry("etc/motd", "file", 0o666)])
    with pytest.raises(LayerError, match=r"etc/motd in the layer base can be written by everyone \(mode 666\)"):
        shop.make()


def test_a_file_in_two_layers_is_refused(shop: Workshop) -> None:
    shop.write_base([*BASE, Entry("opt/noderr/VERSION", "file", 0o644)])
    with pytest.raises(LayerError, match="opt/noderr/VERSION is in the layers base and source"):
        shop.make()


def test_a_base_for_another_architecture_is_refused(shop: Workshop) -> None:
    with pytest.raises(LayerError, match="the base is for amd64, and the image for arm64"):
        changed(shop, architecture="arm64").make()


def test_base_facts_without_a_key_are_refused(shop: Workshop) -> None:
    shop.inputs.base_facts.write_text('{"architecture": "amd64"}')
    with pytest.raises(
        LayerError, match=r"facts\.json: is not what base_image\.rootfs writes \(KeyError\('lock_sha256'\)\)"
    ):
        shop.make()


def test_a_foreign_package_is_refused(shop: Workshop) -> None:
    write_files(shop.inputs.sources, {"noderr/alpha_edge/__init__.py": ""})
    with pytest.raises(ForeignPackageError, match="package alpha-edge"):
        shop.make()


def test_a_listed_package_that_no_service_uses_is_refused(shop: Workshop) -> None:
    with pytest.raises(UnusedPackageError, match="lists utils, but no service uses it"):
        changed(shop, existing=("core", "utils")).make()


def test_two_owners_of_one_file_are_refused(shop: Workshop) -> None:
    shop.add_distribution(shop.everything, "thief", "9", {"tier_library.py": "VALUE = 9\n"})
    with pytest.raises(DistributionError, match=r"tier_library\.py is owned by thief 9 and by tier-library 2\.0"):
        shop.make()


def test_trees_from_two_locks_are_refused(shop: Workshop) -> None:
    (shop.shared / "shared_library/__init__.py").write_text("VALUE = 7\n")
    with pytest.raises(DistributionError, match=r"shared_library/__init__\.py differs between"):
        shop.make()


def test_inputs_are_left_alone(shop: Workshop) -> None:
    before = {path: path.stat().st_mtime_ns for path in shop.folder.rglob("*") if path.is_file()}
    shop.make()
    inputs = [shop.shared, shop.everything, shop.inputs.sources]
    after = {path for tree in inputs for path in tree.rglob("*") if path.is_file()}
    assert all(path in before and path.stat().st_mtime_ns == before[path] for path in after)
    assert (shop.inputs.sources / "noderr/types/tier_test.py").read_text() == SOURCES["noderr/types/tier_test.py"]


def test_a_port_in_use_by_another_tier_is_refused(shop: Workshop) -> None:
    other = shop.folder / "validator/tier.toml"
    other.parent.mkdir()
    text = MANIFEST.replace('"guardian"', '"validator"').replace("number = 2", "number = 1")
    other.write_text(text.replace('packages = ["guardian-consensus", "risk-engine", ', "packages = ["))
    with pytest.raises(ManifestError, match="port 3003 of validator is in use by guardian"):
        Workshop(shop.folder, replace(shop.inputs, manifests=[other])).make()


def test_a_port_in_use_by_a_tier_is_refused_to_a_service(service_shop: Workshop) -> None:
    other = service_shop.folder / "guardian/tier.toml"
    other.parent.mkdir()
    other.write_text(MANIFEST.replace("http = 3003", "http = 3010"))
    with pytest.raises(ManifestError, match="port 3010 of guardian is in use by coordinator"):
        changed(service_shop, manifests=[service_shop.inputs.manifest, other]).make()


def test_a_manifest_of_another_name_is_refused(shop: Workshop) -> None:
    with pytest.raises(ManifestError, match="facts.json: 1 problem.*\n.*called tier.toml and service.toml"):
        changed(shop, manifests=[shop.inputs.base_facts]).make()
