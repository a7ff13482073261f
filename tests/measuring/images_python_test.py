"""A benchmark runs by the Python of the images, and so does what it starts, with this process's packages."""

from __future__ import annotations

import json
import platform
import tarfile
from pathlib import Path

import coincurve
import pytest

from base_image.errors import BytecodeError
from tests.measuring.images_python import run_by_images_python

_ARCHITECTURE = {"x86_64": "amd64", "aarch64": "arm64"}[platform.machine()]
_ROOTFS = Path(f"3rdparty.debian/{_ARCHITECTURE}/rootfs.tar")
_PLATFORM = Path(f"3rdparty/debian/platforms/{_ARCHITECTURE}.json")


def test_it_and_what_it_starts_run_by_the_images_python(capfd: pytest.CaptureFixture[str]) -> None:
    assert run_by_images_python("tests.measuring.which_python", ["--slots=3", "600 ms"], _ROOTFS) == 0
    told = json.loads(capfd.readouterr().out)
    version = json.loads(_PLATFORM.read_text())["marker_environment"]["python_full_version"]
    assert told["here"] == told["child"] == [version, str(Path(coincurve.__file__).resolve())]
    assert told["arguments"] == ["--slots=3", "600 ms"]


def test_the_exit_code_is_the_modules(capfd: pytest.CaptureFixture[str]) -> None:
    assert run_by_images_python("tests.measuring.no_such_module", [], _ROOTFS) == 1
    assert "No module named tests.measuring.no_such_module" in capfd.readouterr().err


def test_an_archive_without_a_python_is_refused(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "rootfs.tar", "w"):
        pass
    with pytest.raises(BytecodeError, match=r"holds no Python 3\.13"):
        run_by_images_python("tests.measuring.which_python", [], tmp_path / "rootfs.tar")
