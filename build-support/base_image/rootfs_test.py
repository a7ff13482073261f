from __future__ import annotations

import errno
import hashlib
import json
import marshal
import os
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from base_image import rootfs
from base_image.conftest import Page, SyntheticArchive
from base_image.errors import (
    ArchitectureError,
    DiskFull,
    LockEdited,
    LockStale,
    NoMirror,
    PackageContentError,
    PackageGone,
    WrongHash,
)
from base_image.http_client import HttpClient
from base_image.layout import ARCHITECTURES, host_architecture
from base_image.rootfs import Surroundings, build_rootfs
from canonical import Entry, read_tar

Build = Callable[..., dict[str, Entry]]


@pytest.fixture
def build(archive: SyntheticArchive, client: HttpClient, tmp_path: Path) -> Build:
    """Build the synthetic base, of this machine's architecture unless another is named; the entries by path."""

    def build_it(
        architecture: str | None = None, folder: str = "out", mirror: str | None = archive.server.base
    ) -> dict[str, Entry]:
        out = tmp_path / folder / "rootfs.tar"
        cache = tmp_path / folder / "cache"
        around = Surroundings(cache, client, {}, lambda _line: None, mirror, tmp_path / "no-apt")
        facts = out.with_name("facts.json")
        build_rootfs(archive.lock_path(architecture), archive.lock_path(), out, facts, around)
        with out.open("rb") as handle:
            return {entry.path: entry for entry in read_tar(handle)}

    return build_it


def test_no_shell(build: Build) -> None:
    paths = build().keys()
    assert [path for path in paths if path.startswith(("usr/bin/", "usr/sbin/", "bin/"))] == ["usr/bin/python3.13"]


def test_no_package_manager(build: Build) -> None:
    content = build()
    assert not [path for path in content if "perl" in path or path.startswith("etc/dpkg")]
    # Only what tells scanners which packages are inside.
    assert {path.split("/")[3] for path in content if path.startswith("var/lib/dpkg/")} == {"status.d"}


def test_no_program_of_a_package_is_run_or_kept(build: Build) -> None:
    assert not [path for path in build() if "postinst" in path or path.startswith("usr/share/man")]


def test_the_user_is_nodejs_1001(build: Build) -> None:
    content = build()
    users = [line.split(":")[:4] for line in content["etc/passwd"].read().decode().splitlines()]
    assert users == [["root", "x", "0", "0"], ["nodejs", "x", "1001", "1001"]]
    groups = [line.split(":")[0:3:2] for line in content["etc/group"].read().decode().splitlines()]
    assert groups == [["root", "0"], ["nodejs", "1001"]]


def test_only_data_and_tmp_can_be_written_by_the_user(build: Build) -> None:
    content = build()
    assert (content["data"].uid, content["data"].gid, content["data"].mode) == (1001, 1001, 0o750)
    assert content["tmp"].mode == 0o1777
    others = [entry for path, entry in content.items() if path not in ("data", "tmp") and entry.kind != "symlink"]
    assert not [entry.path for entry in others if entry.uid or entry.gid or entry.mode & 0o022]


def test_the_bundle_holds_every_certificate(build: Build) -> None:
    content = build()
    bundle = content["etc/ssl/certs/ca-certificates.crt"].read()
    assert bundle == b"A" * 9 + b"\n" + b"B" * 9 + b"\n"
    assert content["usr/lib/ssl/cert.pem"].target == "/etc/ssl/certs/ca-certificates.crt"


def test_time_zones_are_there_once(build: Build) -> None:
    zones = {path.removeprefix("usr/share/zoneinfo/") for path in build() if path.startswith("usr/share/zoneinfo/")}
    assert zones == {"Europe", "Europe/Berlin", "Europe/Oslo", "Arctic"}


def test_the_standard_library_is_bytecode_alone(build: Build) -> None:
    content = build()
    library = {path: entry for path, entry in content.items() if path.startswith("usr/lib/python3.13/")}
    files = {path for path, entry in library.items() if entry.kind == "file"}
    assert files == {"usr/lib/python3.13/os.pyc", "usr/lib/python3.13/json/__init__.pyc"}
    code = marshal.loads(library["usr/lib/python3.13/os.pyc"].read()[16:])
    assert code.co_filename == "/usr/lib/python3.13/os.py"


def test_scanners_see_the_packages(build: Build, archive: SyntheticArchive) -> None:
    status = build()["var/lib/dpkg/status.d/libc6"].read().decode().splitlines()
    assert status[:3] == ["Package: libc6", "Status: install ok installed", "Version: 2.41-1"]


def test_licences_travel_along(build: Build) -> None:
    assert build()["usr/share/doc/python3.13-minimal/copyright"].read() == b"Python is free.\n"


def test_the_folders_of_old_are_links(build: Build) -> None:
    content = build()
    assert {name: content[name].target for name in ("bin", "sbin", "lib")} == {
        "bin": "usr/bin",
        "sbin": "usr/sbin",
        "lib": "usr/lib",
    }
    assert content["usr/local/lib/python3.13/dist-packages"].kind == "dir"


def test_same_bytes_twice(build: Build, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    build(folder="one")
    for name, value in {"TZ": "Asia/Tokyo", "LC_ALL": "tr_TR.UTF-8", "PYTHONHASHSEED": "7", "HOME": "/x"}.items():
        monkeypatch.setenv(name, value)
    deep = tmp_path / "a place with spaces"
    deep.mkdir()
    monkeypatch.chdir(deep)
    before = os.umask(0o077)
    try:
        build(folder="another/place")
    finally:
        os.umask(before)
    one, another = (tmp_path / name / "rootfs.tar" for name in ("one", "another/place"))
    assert one.read_bytes() == another.read_bytes()
    with tarfile.open(one) as written:
        assert {member.mtime for member in written} == {0}


def test_another_architecture_is_compiled_by_the_python_of_this_one(build: Build) -> None:
    other = next(name for name in ARCHITECTURES if name != host_architecture().name)
    content = build(other)
    assert f"{ARCHITECTURES[other].libraries}/{ARCHITECTURES[other].loader}" in content
    assert content["usr/lib/python3.13/os.pyc"] == build()["usr/lib/python3.13/os.pyc"]


def test_facts_say_what_is_inside(build: Build, archive: SyntheticArchive, tmp_path: Path) -> None:
    build()
    facts = json.loads((tmp_path / "out/facts.json").read_text(encoding="utf-8"))
    assert facts["python_version"] == "3.13.5"
    assert facts["lock_sha256"] == hashlib.sha256(archive.lock_path().read_bytes()).hexdigest()
    assert facts["packages"]["libc6"] == "2.41-1"


def test_refused_download_names_the_package(build: Build, archive: SyntheticArchive) -> None:
    del archive.server.pages[f"/debian/{archive.deb('libc6').path}"]
    with pytest.raises(PackageGone, match=r"package libc6 2\.41-1"):
        build()


def test_wrong_bytes_leave_nothing_behind(build: Build, archive: SyntheticArchive, tmp_path: Path) -> None:
    page = archive.page("tzdata")
    archive.server.pages[f"/debian/{archive.deb('tzdata').path}"] = Page(bytes(len(page.body)))
    with pytest.raises(WrongHash, match="package tzdata"):
        build()
    assert not (tmp_path / "out/rootfs.tar").exists()


def test_no_mirror_is_said_only_when_one_is_needed(build: Build) -> None:
    with pytest.raises(NoMirror):
        build(mirror=None)
    build()
    build(mirror=None)


def test_a_lock_edited_by_hand_is_not_built(build: Build, archive: SyntheticArchive) -> None:
    lock = archive.lock_path()
    lock.write_text(lock.read_text(encoding="utf-8").replace("2.41-1", "2.41-2"), encoding="utf-8")
    with pytest.raises(LockEdited, match="edited by hand"):
        build()


def test_a_lock_older_than_the_list_is_not_built(build: Build, archive: SyntheticArchive) -> None:
    with (archive.folder / "packages.txt").open("a", encoding="utf-8") as out:
        out.write("libffi8  # new\n")
    with pytest.raises(LockStale, match=r"older than packages\.txt"):
        build()


def test_a_compiler_of_another_machine_is_refused(
    archive: SyntheticArchive, client: HttpClient, tmp_path: Path
) -> None:
    other = next(name for name in ARCHITECTURES if name != host_architecture().name)
    around = Surroundings(tmp_path / "cache", client, {}, print, archive.server.base, tmp_path / "no-apt")
    with pytest.raises(ArchitectureError, match=f"is of {other}, and this machine is"):
        build_rootfs(archive.lock_path(), archive.lock_path(other), tmp_path / "rootfs.tar", None, around)


def test_two_packages_with_one_path_are_named(build: Build, archive: SyntheticArchive) -> None:
    files = archive.deb("dash").files
    files["usr/lib/os-release"] = b"ID=other\n"
    archive.deb("dash").__post_init__()
    archive.page("dash").body = archive.deb("dash").content
    archive.write_locks()
    with pytest.raises(PackageContentError, match="os-release is in package base-files and, different, in dash"):
        build()


def test_a_full_disk_is_said(build: Build, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def full(*_arguments: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(rootfs, "write_tar", full)
    with pytest.raises(DiskFull, match=r"rootfs\.tar: no space left"):
        build()
    assert not (tmp_path / "out/rootfs.tar").exists()


def test_the_command_says_what_is_wrong(
    archive: SyntheticArchive, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rootfs, "APT", tmp_path / "no-apt")
    for name in ("NODEOS_DEBIAN_MIRROR", "NODEOS_DEBIAN_SNAPSHOT"):
        monkeypatch.delenv(name, raising=False)
    lock, out = str(archive.lock_path()), str(tmp_path / "rootfs.tar")
    arguments = ["--lock", lock, "--compiler-lock", lock, "--cache", str(tmp_path / "cache"), "--out", out]
    assert rootfs.main([*arguments, "--mirror", archive.server.base]) == 0
    assert "7/7" in capsys.readouterr().err
    archive.lock_path().unlink()
    assert rootfs.main(arguments) == 1
    assert capsys.readouterr().err.startswith(f"base_image.rootfs: {lock} is missing.")
