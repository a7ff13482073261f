from __future__ import annotations

from pathlib import Path

import pytest

from base_image.errors import PackageListError
from base_image.package_list import read_package_list


def test_names_and_reasons_are_read(tmp_path: Path) -> None:
    source = tmp_path / "packages.txt"
    source.write_text("# A comment\n\nlibc6   # everything runs on it\n!debconf # nothing asks\n", encoding="utf-8")
    listed = read_package_list(source)
    assert listed.packages == {"libc6": "everything runs on it"}
    assert listed.excluded == {"debconf": "nothing asks"}


def test_every_bad_line_is_named(tmp_path: Path) -> None:
    source = tmp_path / "packages.txt"
    source.write_text("libc6\nzlib1g # a\n!zlib1g # b\nBad_Name # c\n", encoding="utf-8")
    with pytest.raises(PackageListError, match=r"line 1, 'libc6'.*line 3: zlib1g is listed twice.*line 4, 'Bad_Name"):
        read_package_list(source)


@pytest.mark.parametrize("text", ["", "# only a comment\n"])
def test_an_empty_list_is_refused(tmp_path: Path, text: str) -> None:
    source = tmp_path / "packages.txt"
    source.write_text(text, encoding="utf-8")
    with pytest.raises(PackageListError, match="lists no package"):
        read_package_list(source)


def test_a_missing_list_is_named(tmp_path: Path) -> None:
    with pytest.raises(PackageListError, match=r"packages\.txt is missing"):
        read_package_list(tmp_path / "packages.txt")
