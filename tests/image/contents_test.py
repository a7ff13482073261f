"""What is in a built image, read from the archive that operators download."""

from __future__ import annotations

import subprocess

import pytest

from node_image.audit import DIST_PACKAGES
from node_image.description import APP
from noderr.types import SHARED_PACKAGES
from tests.image.archives import Archive
from tests.image.engine import EngineError, docker

CODE = f"{APP.strip('/')}/"
BIN_FOLDERS = ("bin/", "sbin/", "usr/bin/", "usr/sbin/", "usr/local/bin/", "usr/local/sbin/")


def test_only_listed_packages(archive: Archive) -> None:
    listed = archive.manifest()
    shipped = {path.split("/")[3] for path in archive.file_system() if path.startswith(f"{CODE}noderr/")}
    names = {name.replace("_", "-") for name in shipped}
    assert names == set(archive.metadata["packages"]["present"])
    assert names <= set(listed.packages)
    assert names >= SHARED_PACKAGES
    assert set(listed.packages) - names == set(archive.metadata["packages"]["missing"])


def test_our_code_is_in_one_place_and_of_one_image(archive: Archive) -> None:
    files = archive.file_system()
    assert [path for path in files if path.startswith((f"{DIST_PACKAGES}/noderr", f"{DIST_PACKAGES}/tiers"))] == []
    tiers = {"/".join(path.split("/")[2:4]) for path in files if path.startswith(f"{CODE}tiers/")}
    assert tiers == ({archive.manifest().folder} if archive.manifest().kind == "tier" else set())


def test_the_only_program_is_python(archive: Archive) -> None:
    programs = [
        path for path, entry in archive.file_system().items() if path.startswith(BIN_FOLDERS) and entry.kind != "dir"
    ]
    assert programs == ["usr/bin/python3.13"]


def test_no_file_runs_with_more_rights_or_can_be_written_by_everyone(archive: Archive) -> None:
    odd = [
        entry
        for entry in archive.file_system().values()
        if (entry.kind == "file" and entry.mode & 0o7002) or (entry.kind == "dir" and entry.mode & 0o1002 == 0o002)
    ]
    assert odd == []


def test_only_the_data_folder_belongs_to_the_node(archive: Archive) -> None:
    owned = [path for path, entry in archive.file_system().items() if entry.uid or entry.gid]
    assert owned == ["data"]


def test_every_distribution_keeps_its_metadata_and_has_bytecode(archive: Archive) -> None:
    files = archive.file_system()
    found = {path for path in files if path.startswith(DIST_PACKAGES) and path.endswith(".dist-info/METADATA")}
    assert len(found) == len(archive.metadata["distributions"])
    sources = [path for path in files if path.endswith(".py") and path.startswith((DIST_PACKAGES, CODE))]
    compiled = [path for path in files if path.endswith(".cpython-313.pyc") and path.startswith((DIST_PACKAGES, CODE))]
    assert len(sources) == len(compiled) > 0


def test_sha256sum_accepts_the_archive(archive: Archive) -> None:
    command = ["sha256sum", "--check", f"{archive.path.name}.sha256"]
    done = subprocess.run(command, cwd=archive.path.parent, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (0, f"{archive.path.name}: OK\n")


@pytest.mark.parametrize("program", ["sh", "/bin/sh", "bash", "busybox", "apt-get", "dpkg", "pip"])
def test_no_shell(image: str, name: str, program: str) -> None:
    with pytest.raises(EngineError, match="executable file not found|no such file or directory"):
        docker("run", "--rm", "--name", name, "--network", "none", "--entrypoint", program, image)
