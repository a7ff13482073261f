from __future__ import annotations

from pathlib import Path

import pytest

from node_image.conftest import write_files
from node_image.trim import wanted_files


def _wanted(tmp_path: Path, files: dict[str, str]) -> list[str]:
    write_files(tmp_path, files)
    return wanted_files(tmp_path)


@pytest.mark.parametrize(
    "path",
    [
        "bin/tool",
        "lib/x.pyi",
        "lib/x.pyx",
        "lib/include/x.h",
        "lib/__pycache__/x.cpython-313.pyc",
        "lib-1.dist-info/RECORD",
        "lib-1.dist-info/INSTALLER",
        "lib-1.dist-info/direct_url.json",
    ],
)
def test_ballast_is_dropped(tmp_path: Path, path: str) -> None:
    assert _wanted(tmp_path, {path: "", "lib/x.py": ""}) == ["lib/x.py"]


@pytest.mark.parametrize(
    "path",
    [
        "lib/x.so",
        "lib/data.json",
        "lib/bin/helper",
        "lib/RECORD",
        "lib-1.dist-info/METADATA",
        "lib-1.dist-info/entry_points.txt",
        "lib-1.dist-info/licenses/LICENSE",
    ],
)
def test_what_is_used_or_owed_stays(tmp_path: Path, path: str) -> None:
    assert _wanted(tmp_path, {path: ""}) == [path]


def test_a_test_suite_is_dropped_whole(tmp_path: Path) -> None:
    files = {"lib/__init__.py": "", "lib/tests/__init__.py": "", "lib/tests/data/x.txt": "", "lib/sub/test/t.py": ""}
    assert _wanted(tmp_path, files) == ["lib/__init__.py"]


@pytest.mark.parametrize(
    "statement",
    [
        "from lib.core.tests._helpers import x",
        "import lib.core.tests._helpers",
        "from lib.core import tests",
        "from .core.tests import _helpers",
        "def late():\n    from .core.tests._helpers import x",
    ],
)
def test_a_suite_that_the_library_itself_imports_stays(tmp_path: Path, statement: str) -> None:
    suite = "lib/core/tests/_helpers.py"
    assert suite in _wanted(tmp_path, {"lib/testing.py": statement, suite: ""})


def test_a_suite_that_only_tests_import_is_dropped(tmp_path: Path) -> None:
    files = {"lib/__init__.py": "", "lib/tests/a.py": "from lib.tests.b import x", "lib/tests/b.py": ""}
    assert _wanted(tmp_path, files) == ["lib/__init__.py"]


def test_a_package_that_is_called_tests_is_nobodys_suite(tmp_path: Path) -> None:
    assert _wanted(tmp_path, {"tests/__init__.py": ""}) == ["tests/__init__.py"]
