from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from publisher.archive import load_archive
from publisher.errors import ArchiveCorrupt, ArchivesDisagree
from publisher.example_archive import rewrite_companions, write_archive
from publisher.release import releases
from publisher.testing import Bench


def test_good_archive_is_read(tmp_path: Path) -> None:
    found = load_archive(write_archive(tmp_path, "1.2.3"))
    assert (found.metadata.tier, found.metadata.version) == ("oracle", "1.2.3")


def _change(path: Path, change: Callable[[dict[str, Any]], object]) -> None:
    metadata = json.loads(Path(f"{path}.json").read_bytes())
    change(metadata)
    rewrite_companions(path, metadata)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda m: m["archive"].update(sha256="0" * 64), "archive.sha256"),
        (lambda m: m["archive"].update(size=1), "archive.size"),
        (lambda m: m["archive"].update(file="other.tar.gz"), "archive.file"),
        (lambda m: m["archive"].pop("tar_sha256"), "tar_sha256"),
        (lambda m: m.update(version="1.2.4"), "make oracle-1.2.4.tar.gz"),
        (lambda m: m.update(version="latest"), "MAJOR.MINOR.PATCH"),
        (lambda m: m.update(version="1.2.3-arm64"), "name of an architecture"),
        (lambda m: m.update(tier="../oracle"), r"\$.tier"),
        (lambda m: m.update(architecture="riscv64"), r"\$.architecture"),
        (lambda m: m.update(created="yesterday"), r"\$.created"),
        (lambda m: m.update(schema=2), r"\$.schema"),
        (lambda m: m["image"].update(tags=["noderr-oracle:latest"]), "image.tags"),
        (lambda m: m["image"].update(layers=[]), r"\$.image.layers"),
    ],
)
def test_metadata_that_is_not_of_this_archive_names_the_field(
    tmp_path: Path, change: Callable[[dict[str, Any]], object], said: str
) -> None:
    path = write_archive(tmp_path, "1.2.3")
    _change(path, change)
    with pytest.raises(ArchiveCorrupt, match=said):
        load_archive(path)


@pytest.mark.parametrize("line", ["", "nonsense", "{zeros}  oracle-1.2.3.tar.gz\n", "{sha256}  oracle-latest.tar.gz\n"])
def test_checksum_file_that_would_not_verify_is_refused(tmp_path: Path, line: str) -> None:
    path = write_archive(tmp_path, "1.2.3")
    sha256 = load_archive(path).archive.sha256
    Path(f"{path}.sha256").write_text(line.format(sha256=sha256, zeros="0" * 64))
    with pytest.raises(ArchiveCorrupt, match=r"oracle-1.2.3.tar.gz.sha256"):
        load_archive(path)


def test_changed_archive_is_refused_with_every_problem_at_once(tmp_path: Path) -> None:
    path = write_archive(tmp_path, "1.2.3")
    path.write_bytes(path.read_bytes() + b"x")
    with pytest.raises(ArchiveCorrupt, match=r"3 problem\(s\)"):
        load_archive(path)


@pytest.mark.parametrize("suffix", ["", ".sha256", ".json"])
def test_missing_file_is_named(tmp_path: Path, suffix: str) -> None:
    path = write_archive(tmp_path, "1.2.3")
    Path(f"{path}{suffix}").unlink()
    with pytest.raises(ArchiveCorrupt, match=rf"1.2.3.tar.gz{suffix}: No such file"):
        load_archive(path)


def test_releases_are_grouped_and_ordered(bench: Bench) -> None:
    builds = [
        bench.build("0.10.0"),
        bench.build("0.9.0", architecture="arm64"),
        bench.build("0.9.0"),
        bench.build("0.1.0", tier="guardian"),
    ]
    found = [(release.tier, release.version, list(release.builds)) for release in releases(builds)]
    assert found == [
        ("guardian", "0.1.0", ["amd64"]),
        ("oracle", "0.9.0", ["amd64", "arm64"]),
        ("oracle", "0.10.0", ["amd64"]),
    ]


def test_one_version_from_two_commits_is_refused(bench: Bench) -> None:
    with pytest.raises(ArchivesDisagree, match="one version is one commit"):
        releases([bench.build("1.0.0"), bench.build("1.0.0", architecture="arm64", revision="f" * 40)])


def test_one_archive_given_twice_is_refused(bench: Bench) -> None:
    with pytest.raises(ArchivesDisagree, match="give one of them"):
        releases([bench.build("1.0.0", b"a"), bench.build("1.0.0", b"b")])
