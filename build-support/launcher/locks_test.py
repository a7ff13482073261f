from __future__ import annotations

from pathlib import Path

import pytest

from launcher import locks
from launcher.errors import StaleLock


def test_a_lock_in_order_is_read(root: Path) -> None:
    assert locks.pinned(locks.read(root, locks.PRODUCT), "pex") == (
        "2.1.0",
        ["pex==2.1.0 \\", "    --hash=sha256:aa"],
    )


def test_stale_lock_names_the_command(root: Path) -> None:
    (locks.folder(root) / "product.txt").write_text("pex>=3\n", encoding="utf-8")
    with pytest.raises(StaleLock, match=r"older than product.txt. Run `./pants lock product`"):
        locks.read(root, locks.PRODUCT)
    assert "pex==2.1.0" in locks.read(root, locks.PRODUCT, allow_older=True)


def test_lock_edited_by_hand_is_refused(root: Path) -> None:
    lock = locks.folder(root) / "tools.lock"
    lock.write_text(lock.read_text(encoding="utf-8").replace("2.1.0", "2.1.1"), encoding="utf-8")
    with pytest.raises(StaleLock, match=r"edited by hand: edit tools.txt instead. Run `./pants lock tools`"):
        locks.read(root, locks.TOOLS)


@pytest.mark.parametrize("content", ["", "pex==2.1.0\n", "#\n#\n#\n"])
def test_lock_without_its_head_is_refused(root: Path, content: str) -> None:
    (locks.folder(root) / "plugin.lock").write_text(content, encoding="utf-8")
    with pytest.raises(StaleLock, match="lost its first lines"):
        locks.read(root, locks.PLUGIN)


def test_missing_lock_names_the_command(root: Path) -> None:
    (locks.folder(root) / "plugin.lock").unlink()
    with pytest.raises(StaleLock, match="is missing. Run `./pants lock plugin`"):
        locks.read(root, locks.PLUGIN)


def test_unpinned_tool_is_named(root: Path) -> None:
    with pytest.raises(StaleLock, match="does not pin ruff"):
        locks.pinned(locks.read(root, locks.LAUNCHER), "ruff")
