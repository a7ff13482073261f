from __future__ import annotations

import runpy
import sys
from pathlib import Path

import pytest

from node_image.conftest import MANIFEST, SERVICE_MANIFEST, SERVICE_SOURCES, SOURCES, write_files
from node_image.errors import ForeignPackageError, SourcesError, UnusedPackageError
from node_image.sources import check_sources, entry_source, shipped_files
from noderr.types import parse_manifest, parse_service_manifest

GUARDIAN = parse_manifest(MANIFEST)
COORDINATOR = parse_service_manifest(SERVICE_MANIFEST)


def test_tests_benchmarks_caches_and_build_files_are_not_shipped(tmp_path: Path) -> None:
    kept = {"noderr/core/a.py": "", "noderr/core/schema.json": "", "tiers/guardian/node.py": "", "VERSION": ""}
    dropped = ["a_test.py", "a_bench.py", "conftest.py", "BUILD", "README.md", "__pycache__/a.cpython-313.pyc", "a.pyi"]
    write_files(tmp_path, {**kept, **{f"noderr/core/{name}": "" for name in dropped}})
    assert shipped_files(tmp_path) == sorted(kept)


def test_what_is_listed_is_present_or_missing(tmp_path: Path) -> None:
    write_files(tmp_path, SOURCES)
    found = check_sources(GUARDIAN, tmp_path, existing=["core", "types", "risk_engine"])
    assert found.present == ("risk-engine", "core", "types")
    assert found.missing == ("guardian-consensus", "telemetry", "utils")


@pytest.mark.parametrize(
    "statement",
    [
        "import noderr.alpha_edge",
        "import noderr.alpha_edge.signals as signals",
        "from noderr.alpha_edge import signals",
        "from noderr import alpha_edge",
        "def late():\n    from noderr.alpha_edge.signals import Signal",
    ],
)
def test_a_foreign_package_is_refused_with_who_imports_it(tmp_path: Path, statement: str) -> None:
    write_files(tmp_path, {**SOURCES, "noderr/alpha_edge/__init__.py": "", "noderr/core/use.py": statement})
    with pytest.raises(
        ForeignPackageError, match=r"alpha-edge \(imported by noderr/core/use\.py\) is not in tiers/guardian"
    ):
        check_sources(GUARDIAN, tmp_path, existing=[])


def test_every_foreign_package_is_named(tmp_path: Path) -> None:
    write_files(tmp_path, {**SOURCES, "noderr/ml/__init__.py": "", "noderr/alpha_edge/__init__.py": ""})
    with pytest.raises(ForeignPackageError, match=r"alpha-edge \(which nothing here imports by name\).*package ml "):
        check_sources(GUARDIAN, tmp_path, existing=[])


@pytest.mark.parametrize("name", ["guardian-consensus", "guardian_consensus"])
def test_a_listed_package_that_exists_and_is_not_used_is_refused(tmp_path: Path, name: str) -> None:
    write_files(tmp_path, SOURCES)
    with pytest.raises(UnusedPackageError, match="lists guardian-consensus, but no service uses it: start it in"):
        check_sources(GUARDIAN, tmp_path, existing=[name])


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("tiers/oracle/node.py", "belongs to another image than guardian"),
        ("packages/noderr/core/__init__.py", "this image holds noderr/"),
        ("noderr/__init__.py", "noderr is a namespace package"),
        ("secrets.txt", "this image holds noderr/"),
    ],
)
def test_a_file_in_the_wrong_place_is_refused(tmp_path: Path, path: str, reason: str) -> None:
    write_files(tmp_path, {**SOURCES, path: ""})
    with pytest.raises(SourcesError, match=f"{path}.*{reason}"):
        check_sources(GUARDIAN, tmp_path, existing=[])


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("noderr/ml/__init__.py", r"package ml .* is not in packages/noderr/coordinator/service\.toml"),
        ("noderr/mail/__init__.py", r"package mail .* is not in packages/noderr/coordinator/service\.toml"),
        ("tiers/oracle/node.py", "tiers/oracle/node.py belongs to another image than coordinator"),
        ("packages/noderr/coordinator/extra.py", r"this image holds noderr/…, noderr/coordinator/… and VERSION only"),
    ],
)
def test_a_services_image_holds_what_its_manifest_lists(tmp_path: Path, path: str, reason: str) -> None:
    write_files(tmp_path, SERVICE_SOURCES)
    assert check_sources(COORDINATOR, tmp_path, existing=["coordinator"]).present == ("coordinator", "core", "types")
    write_files(tmp_path, {path: ""})
    with pytest.raises(SourcesError, match=reason):
        check_sources(COORDINATOR, tmp_path, existing=[])


def test_a_listed_package_that_a_service_does_not_use_is_refused(tmp_path: Path) -> None:
    write_files(tmp_path, SERVICE_SOURCES)
    with pytest.raises(UnusedPackageError, match="lists utils, .* start it in packages/noderr/coordinator/__main__.py"):
        check_sources(COORDINATOR, tmp_path, existing=["utils"])


def test_the_entry_calls_the_function_and_exits_with_its_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_files(tmp_path, {"entry_of_test.py": "def start():\n    return 7\n"})
    (tmp_path / "__main__.py").write_text(entry_source(GUARDIAN, "entry_of_test:start"))
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    with pytest.raises(SystemExit) as left:
        runpy.run_path(str(tmp_path / "__main__.py"), run_name="__main__")
    assert left.value.code == 7


@pytest.mark.parametrize("entry", ["tiers.guardian.node", "a:b; import os", "a b:c", ":main"])
def test_an_entry_that_names_no_function_is_refused(entry: str) -> None:
    with pytest.raises(SourcesError, match=r"write module:function, for example tiers\.guardian\.node:main"):
        entry_source(GUARDIAN, entry)
    with pytest.raises(SourcesError, match=r"write module:function, for example noderr\.coordinator\.__main__:main"):
        entry_source(COORDINATOR, entry)
