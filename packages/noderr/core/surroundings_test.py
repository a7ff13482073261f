"""What the node finds around itself: ports, the data directory, the VERSION file, packages."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from noderr.core.data_dir import prepare_data_dir
from noderr.core.errors import BindError, DataDirError, PortInUseError, VersionError
from noderr.core.packages import missing_packages
from noderr.core.ports import bind_tcp
from noderr.core.version import read_version
from noderr.types import KNOWN_PACKAGES, Range, TierManifest


def test_port_in_use_names_port_and_remedy() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(PortInUseError, match=f"TCP port {port} on 127.0.0.1 is in use.*set NODEOS_HTTP_PORT"):
            bind_tcp("127.0.0.1", port, setting="NODEOS_HTTP")


def test_port_shared_by_another_server_is_in_use_too() -> None:
    with socket.create_server(("127.0.0.1", 0), reuse_port=True) as taken, pytest.raises(PortInUseError):
        bind_tcp("127.0.0.1", taken.getsockname()[1], setting="NODEOS_HTTP")


@pytest.mark.parametrize("host", ["nowhere.example", "256.1.1.1", "a" * 300])
def test_host_that_is_no_address_is_named(host: str) -> None:
    with pytest.raises(BindError, match=f"NODEOS_HTTP_HOST='{host}' is no IP address"):
        bind_tcp(host, 0, setting="NODEOS_HTTP")


def test_address_of_another_machine_is_refused() -> None:
    with pytest.raises(BindError, match="on 192.0.2.1 is refused"):
        bind_tcp("192.0.2.1", 0, setting="NODEOS_HTTP")


def test_data_dir_set_is_made_and_used(tmp_path: Path) -> None:
    found = prepare_data_dir(tmp_path / "a" / "b", "oracle")
    assert found == tmp_path / "a" / "b"
    assert found.stat().st_mode & 0o777 == 0o700


def test_data_dir_of_an_image_is_preferred(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    assert prepare_data_dir(None, "oracle", image_dir=tmp_path / "data", working_dir=tmp_path) == tmp_path / "data"
    assert not (tmp_path / ".nodeos").exists()


def test_data_dir_of_a_checkout_is_in_the_working_directory(tmp_path: Path) -> None:
    found = prepare_data_dir(None, "oracle", image_dir=tmp_path / "absent", working_dir=tmp_path)
    assert found == tmp_path / ".nodeos" / "oracle"
    assert found.is_dir()


def test_no_place_for_state_names_both_and_the_remedy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "data").mkdir()
    # As root everything may be written; what counts is what the system answers.
    monkeypatch.setattr(os, "access", lambda *_arguments: False)
    with pytest.raises(
        DataDirError, match=r"data: may not be written by user \d+.*oracle.*Mount a volume.*NODEOS_DATA"
    ):
        prepare_data_dir(None, "oracle", image_dir=tmp_path / "data", working_dir=tmp_path)


def test_data_dir_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DataDirError, match=r"NODEOS_DATA_DIR='.*file': cannot be made \(File exists\)"):
        prepare_data_dir(tmp_path / "file", "oracle")


@given(st.tuples(*[st.integers(0, 10**6)] * 3), st.sampled_from(["", "-rc.1", "-0.3.7", "-x-y.z"]))
def test_semantic_versions_are_read(tmp_path_factory: pytest.TempPathFactory, numbers: tuple[int], pre: str) -> None:
    version = ".".join(map(str, numbers)) + pre
    source = tmp_path_factory.getbasetemp() / "VERSION"
    source.write_text(version + "\n")
    assert read_version(source) == version


@pytest.mark.parametrize(
    "text", ["", "1.2", "v1.2.3", "01.2.3", "1.2.3-", "1.2.3-01", "1.2.3 beta", "1.2.3\n1.2.4", "１.2.3"]
)
def test_version_that_is_none_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "VERSION").write_text(text)
    with pytest.raises(VersionError, match=r"VERSION: .* is no semantic version: write MAJOR"):
        read_version(tmp_path / "VERSION")


def test_version_file_that_is_absent_is_named(tmp_path: Path) -> None:
    with pytest.raises(VersionError, match="VERSION cannot be read"):
        read_version(tmp_path / "VERSION")


def test_missing_packages_are_those_that_cannot_be_imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # A folder that holds no code, like that of a package not yet written, is no package.
    (tmp_path / "noderr" / "ml_client").mkdir(parents=True)
    monkeypatch.syspath_prepend(tmp_path)
    packages = ("ml-client", "core", "types")
    assert set(packages) <= KNOWN_PACKAGES
    manifest = TierManifest(
        tier="oracle",
        number=3,
        responsibility="x",
        packages=packages,
        http_port=1024,
        grpc_port=1025,
        stake_nodr=1,
        airdrop_nodr=1,
        cpu_cores=Range(1, 1),
        memory_gb=Range(1, 1),
        storage_gb=1,
    )
    assert missing_packages(manifest) == ("ml-client",)
