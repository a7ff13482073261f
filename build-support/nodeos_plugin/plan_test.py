from __future__ import annotations

import pytest

from nodeos_plugin.plan import PluginError, archive_arguments, existing_packages, host_architecture, log_lines

FACTS = {"NODEOS_VERSION": "1.2.3", "NODEOS_COMMIT": "abc", "NODEOS_COMMIT_TIME": "7", "NODEOS_PEX_VERSION": "2.1"}


def test_host_architecture_in_debians_words():
    assert (host_architecture("linux_x86_64"), host_architecture("linux_arm64")) == ("amd64", "arm64")
    with pytest.raises(PluginError, match="this machine is macos_arm64"):
        host_architecture("macos_arm64")


def test_existing_packages_have_manifest_names():
    files = ["packages/noderr/ml_client/__init__.py", "packages/noderr/core/__init__.py"]
    assert existing_packages(files) == ("core", "ml-client")


def test_archive_arguments_need_the_launchers_variables():
    arguments = archive_arguments("layers", FACTS, "2.17.1")
    assert arguments[arguments.index("--version") + 1] == "1.2.3"
    with pytest.raises(PluginError, match="NODEOS_VERSION, NODEOS_COMMIT_TIME not set: start the build with ./pants"):
        archive_arguments("layers", {"NODEOS_COMMIT": "abc"}, "2.17.1")


def test_missing_packages_are_said():
    metadata = {
        "tier": "oracle",
        "archive": {"sha256": "aa", "size": 2500000},
        "image": {"id": "sha256:bb"},
        "packages": {"present": ["core"], "missing": ["ml", "ml-client"]},
    }
    assert log_lines(metadata) == (
        "sha256 aa, 2.5 MB, image sha256:bb",
        "the manifest of oracle lists 3 packages; 2 do not exist yet: ml, ml-client",
    )
    metadata["packages"]["missing"] = []
    assert len(log_lines(metadata)) == 1
