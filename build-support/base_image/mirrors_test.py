from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from base_image.apt_sources import AptArchive, debian_archives
from base_image.errors import NoMirror
from base_image.mirrors import all_mirrors, live_mirrors

_DATE = datetime(2026, 1, 10, 12, 0, tzinfo=UTC)


def _apt(tmp_path: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = tmp_path / "apt" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return tmp_path / "apt"


def test_one_line_sources_are_read(tmp_path: Path) -> None:
    text = """
    # deb http://off.test/debian bookworm main
    deb-src http://source.test/debian bookworm main
    deb [signed-by=/k arch=amd64] http://a.test/debian/ bookworm main contrib # comment
    deb http://a.test/debian bookworm-updates main
    deb http://a.test/debian-security bookworm-security main
    """
    found = debian_archives(_apt(tmp_path, {"sources.list": text}))
    assert found == [AptArchive("http://a.test/debian", False), AptArchive("http://a.test/debian-security", True)]


def test_deb822_sources_are_read(tmp_path: Path) -> None:
    text = """\
# made by an installer
Types: deb deb-src
URIs: https://a.test/debian
Suites: trixie trixie-updates
Components: main
Signed-By: /usr/share/keyrings/k.gpg

Enabled: no
Types: deb
URIs: https://off.test/debian
Suites: trixie
Components: main
"""
    found = debian_archives(_apt(tmp_path, {"sources.list.d/debian.sources": text}))
    assert found == [AptArchive("https://a.test/debian", False)]


def test_archives_of_others_are_not_taken_for_debian(tmp_path: Path) -> None:
    files = {
        "sources.list": "deb http://u.test/ubuntu noble main\ndeb cdrom:[Debian]/debian bookworm main\n",
        "sources.list.d/other.list": "deb http://o.test/debian nodistro main\ndeb http://p.test/apt stable main\n",
        "sources.list.d/old.list.save": "deb http://old.test/debian bookworm main\n",
    }
    assert debian_archives(_apt(tmp_path, files)) == []


def test_option_then_environment_then_the_host_then_snapshots(tmp_path: Path) -> None:
    apt = _apt(tmp_path, {"sources.list": "deb http://host.test/debian bookworm main\n"})
    environment = {"NODEOS_DEBIAN_MIRROR": "http://env.test/debian/", "NODEOS_DEBIAN_SNAPSHOT": "http://old.test"}
    found = all_mirrors("http://option.test/debian", environment, _DATE, apt)
    assert [mirror.url("debian", "pool/a+b.deb") for mirror in found] == [
        "http://option.test/debian/pool/a+b.deb",
        "http://env.test/debian/pool/a+b.deb",
        "http://host.test/debian/pool/a+b.deb",
        "http://old.test/archive/debian/20260111T120000Z/pool/a+b.deb",
    ]
    assert [mirror.url("debian-security", "x") for mirror in found] == [
        "http://option.test/debian-security/x",
        "http://env.test/debian-security/x",
        "http://host.test/debian-security/x",
        "http://old.test/archive/debian-security/20260111T120000Z/x",
    ]


def test_snapshots_alone_are_enough_to_build_but_not_to_lock(tmp_path: Path) -> None:
    environment = {"NODEOS_DEBIAN_SNAPSHOT": "http://old.test"}
    assert len(all_mirrors(None, environment, _DATE, tmp_path)) == 1
    with pytest.raises(NoMirror):
        live_mirrors(None, environment, tmp_path)


def test_no_mirror_says_how_to_name_one(tmp_path: Path) -> None:
    with pytest.raises(NoMirror, match=r"--mirror or set NODEOS_DEBIAN_MIRROR to a Debian mirror's base URL"):
        live_mirrors(None, {}, tmp_path)


@pytest.mark.parametrize("base", ["mirror.test/debian", "file:///srv/debian", "http:///debian"])
def test_a_mirror_that_is_no_address_is_named(tmp_path: Path, base: str) -> None:
    with pytest.raises(NoMirror, match="NODEOS_DEBIAN_MIRROR = "):
        live_mirrors(None, {"NODEOS_DEBIAN_MIRROR": base}, tmp_path)
