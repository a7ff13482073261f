"""The audit catches each thing that an image must not hold, on a file system laid out from real layers."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from node_image import audit
from node_image.audit import APP, DIST_PACKAGES, INVENTORY, modules, problems, take_inventory
from node_image.conftest import Workshop, unpack, write_files

KEY = "-----BEGIN RSA PRIVATE KEY-----\n" + "QUJD" * 40 + "\n-----END RSA PRIVATE KEY-----\n"


@pytest.fixture
def root(shop: Workshop) -> Path:
    out, _ = shop.make()
    unpack(out, shop.folder / "root")
    return shop.folder / "root"


def _renew_inventory(root: Path) -> None:
    """Bring the inventory up to date, so that only the other checks can find what a test has put there."""
    told = json.loads((root / INVENTORY).read_text())
    (root / INVENTORY).write_text(json.dumps({**told, **take_inventory(root)}))


def _run(root: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-I", "-B", audit.__file__, str(root)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_a_good_image_gets_a_receipt(root: Path) -> None:
    done = _run(root)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == (
        "audit: guardian amd64: packages core, risk-engine, types; 2 distributions; 6 modules imported; "
        "nothing else found\n"
    )


@pytest.fixture
def service_root(service_shop: Workshop) -> Path:
    out, _ = service_shop.make()
    unpack(out, service_shop.folder / "root")
    return service_shop.folder / "root"


def test_a_services_image_gets_a_receipt_and_its_migrations_are_not_run(service_root: Path) -> None:
    done = _run(service_root)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == (
        "audit: coordinator amd64: packages coordinator, core, types; 2 distributions; 6 modules imported; "
        "nothing else found\n"
    )
    assert "noderr.coordinator.migrations.versions.0001_first" in modules(service_root)


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("noderr/risk_engine/__init__.py", "package risk-engine is ours, but noderr/coordinator/service.toml does not"),
        ("noderr/mail/__init__.py", "package mail is ours, but noderr/coordinator/service.toml does not"),
        ("tiers/guardian/node.py", f"/{APP}/tiers/guardian belongs to another image than coordinator"),
    ],
)
def test_refused_in_a_services_image(service_root: Path, path: str, reason: str) -> None:
    write_files(service_root, {f"{APP}/{path}": ""})
    _renew_inventory(service_root)
    assert any(reason in problem for problem in problems(service_root))


def test_a_service_in_a_tiers_image_is_refused(root: Path) -> None:
    write_files(root, {f"{APP}/noderr/coordinator/__init__.py": ""})
    _renew_inventory(root)
    assert problems(root) == ["package coordinator is ours, but tiers/guardian/tier.toml does not list it"]


def test_a_manifest_that_lists_nothing_is_refused(root: Path) -> None:
    (root / APP / "tiers/guardian/tier.toml").write_text('tier = "guardian"\n')
    assert "cannot be read: KeyError('packages')" in problems(root)[0]


def test_it_writes_nothing(root: Path) -> None:
    def state() -> dict[Path, int]:
        return {path: path.stat().st_mtime_ns for path in root.rglob("*")}

    before = state()
    assert _run(root).returncode == 0
    assert state() == before


def test_every_module_of_ours_and_every_distribution_is_imported(root: Path) -> None:
    namespace = {f"{DIST_PACKAGES}/google/thing/__init__.py": "", f"{DIST_PACKAGES}/_fast.cpython-313-x.so": ""}
    write_files(root, namespace)
    assert modules(root) == [
        "_fast",
        "google.thing",
        "noderr.core",
        "noderr.risk_engine",
        "noderr.types",
        "shared_library",
        "tier_library",
        "tiers.guardian.node",
    ]


def _add(path: str, text: str = "", mode: int = 0o644) -> Callable[[Path], None]:
    def change(root: Path) -> None:
        write_files(root, {path: text})
        (root / path).chmod(mode)

    return change


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (_add(f"{APP}/noderr/alpha_edge/__init__.py"), "package alpha-edge is ours, but tiers/guardian/tier.toml"),
        (_add(f"{DIST_PACKAGES}/noderr/ml/__init__.py"), "package ml is ours, but"),
        (
            _add(f"{DIST_PACKAGES}/noderr/core/__init__.py"),
            f"/{DIST_PACKAGES}/noderr: our packages belong below /{APP}",
        ),
        (_add(f"{APP}/tiers/oracle/node.py"), "belongs to another image than guardian"),
        (
            _add(f"{DIST_PACKAGES}/tier_library-3.dist-info/METADATA", "Name: Tier.Library\nVersion: 3\n"),
            "distribution tier-library is there more than once",
        ),
        (_add(f"{DIST_PACKAGES}/pip-25.dist-info/METADATA", "Name: pip\nVersion: 25\n"), "pip is a package manager"),
        (_add(f"{DIST_PACKAGES}/p-9.dist-info/METADATA", "Name: pytest\nVersion: 9\n"), "pytest is for developers"),
        (_add("etc/motd", mode=0o666), "/etc/motd can be written by everyone (mode 666)"),
        (_add("usr/bin/su", mode=0o4755), "/usr/bin/su runs with the rights of its owner or group (mode 4755)"),
        (_add("usr/bin/wall", mode=0o2755), "/usr/bin/wall runs with the rights of its owner or group (mode 2755)"),
        (_add("usr/bin/bash"), "/usr/bin/bash is a shell"),
        (_add("sbin/busybox"), "/sbin/busybox is a shell"),
        (_add("usr/bin/apt-get"), "/usr/bin/apt-get is a package manager"),
        (_add(f"{APP}/.env"), f"/{APP}/.env has the name of a file that holds secrets"),
        (_add("root/id_ed25519"), "/root/id_ed25519 has the name of a file that holds secrets"),
        (_add(f"{APP}/noderr/core/data.txt", KEY), f"/{APP}/noderr/core/data.txt holds a private key"),
    ],
)
def test_refused(root: Path, change: Callable[[Path], None], reason: str) -> None:
    assert problems(root) == []
    change(root)
    _renew_inventory(root)
    assert any(reason in problem for problem in problems(root))
    done = _run(root)
    assert done.returncode == 1
    assert reason in done.stderr


def test_a_shell_behind_a_symbolic_link_is_refused(root: Path) -> None:
    (root / "usr/bin/sh").symlink_to("python3.13")
    assert problems(root) == ["/usr/bin/sh is a shell"]


@pytest.mark.parametrize(
    "change",
    [
        _add(f"{APP}/noderr/core/extra.py"),
        _add(f"{APP}/noderr/core/__init__.py", "import os\n"),
        _add(f"{DIST_PACKAGES}/tier_library.py", "VALUE = 3\n"),
        lambda root: (root / APP / "noderr/types/__init__.py").unlink(),
    ],
)
def test_a_file_that_the_inventory_does_not_know_is_refused(root: Path, change: Callable[[Path], None]) -> None:
    change(root)
    assert any("trees differs from the inventory" in problem for problem in problems(root))


def test_an_image_without_an_inventory_is_refused(root: Path) -> None:
    (root / INVENTORY).unlink()
    assert "cannot be read: FileNotFoundError" in problems(root)[0]


@pytest.mark.parametrize("text", ["import not_there\n", "raise SystemExit(0)\n", "1 / 0\n", "def broken(:\n"])
def test_a_module_that_cannot_be_imported_is_refused(shop: Workshop, text: str) -> None:
    # Compiled bytecode would hide a source that was changed afterwards, so the module is new and has none.
    out, _ = shop.make()
    root = shop.folder / "root"
    unpack(out, root)
    write_files(root, {f"{APP}/noderr/core/late.py": text})
    _renew_inventory(root)
    done = _run(root)
    assert done.returncode == 1
    assert "audit: noderr.core.late cannot be imported: " in done.stderr


def test_the_mention_of_a_key_is_no_key(root: Path) -> None:
    source = 'MARK = "-----BEGIN PRIVATE KEY-----"\nEND = "-----END PRIVATE KEY-----"\n'
    write_files(root, {f"{APP}/noderr/core/pem.py": source})
    _renew_inventory(root)
    assert problems(root) == []


def test_what_the_kernel_and_the_engine_mount_is_not_looked_at(root: Path) -> None:
    write_files(root, {"proc/x": "", "dev/null": "", "etc/hosts": "", "etc/resolv.conf": ""})
    for path in ("proc/x", "dev/null", "etc/hosts", "etc/resolv.conf"):
        (root / path).chmod(0o666)
    assert problems(root) == []
