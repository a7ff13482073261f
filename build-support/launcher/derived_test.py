from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from launcher import derived, locks
from launcher.errors import PackageIndexError
from launcher.tools import Tools


def _tools(tmp_path: Path, script: str) -> Tools:
    """Tools whose Pex is a shell script: called as `lock create … -o FILE -r FILE`."""
    fake = tmp_path / "pex-python"
    fake.write_text(f"#!/bin/sh\n{script}\n", encoding="ascii")
    fake.chmod(0o755)
    return Tools(Path("/bin/false"), fake, "2.1.0", ("pex==2.1.0",))


def _writes_the_lock(tmp_path: Path) -> str:
    find_output = 'while [ "$1" != -o ]; do shift; done'
    return f'echo run >> {tmp_path}/runs; sleep 0.2; {find_output}; echo "{{}}" > "$2"'


def test_two_at_once_derive_each_lock_once(root: Path, tmp_path: Path) -> None:
    tools = _tools(tmp_path, _writes_the_lock(tmp_path))
    with ThreadPoolExecutor() as pool:
        list(pool.map(lambda _: derived.provide(root, tools, []), range(2)))
    assert (tmp_path / "runs").read_text(encoding="ascii").count("run") == len(locks.PANTS_RESOLVES)
    made = sorted(path.name for path in (locks.folder(root) / "derived").iterdir())
    assert made == ["plugin.json", "product.json", "tools.json"]


def test_a_derived_lock_is_cached_by_content(root: Path, tmp_path: Path) -> None:
    tools = _tools(tmp_path, _writes_the_lock(tmp_path))
    derived.provide(root, tools, [])
    derived.provide(root, _tools(tmp_path, "exit 1"), [])
    lock = locks.folder(root) / "product.lock"
    source = lock.with_suffix(".txt").read_bytes()
    lock.write_text(locks.render(source, "pex==2.2.0\n", "product"), encoding="utf-8")
    with pytest.raises(PackageIndexError, match="Deriving the Pex lock of product"):
        derived.provide(root, _tools(tmp_path, "exit 1"), [])


def test_a_failed_derivation_leaves_nothing(root: Path, tmp_path: Path) -> None:
    with pytest.raises(PackageIndexError):
        derived.provide(root, _tools(tmp_path, "exit 1"), [])
    assert not (locks.folder(root) / "derived").exists()
    assert not list((tmp_path / "cache" / "locks").glob("*.json"))
