"""A little repository and a cache of its own for every test."""

from __future__ import annotations

from pathlib import Path

import pytest

from launcher import locks


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository whose locks are in order, with the launcher's cache beside it."""
    monkeypatch.setenv("NODEOS_CACHE", str(tmp_path / "cache"))
    repository = tmp_path / "repository"
    folder = locks.folder(repository)
    folder.mkdir(parents=True)
    for resolve in locks.ALL_RESOLVES:
        source = folder / f"{resolve.name}.txt"
        source.write_text("pex>=2\n", encoding="utf-8")
        body = "pex==2.1.0 \\\n    --hash=sha256:aa\nuv==0.9.0 \\\n    --hash=sha256:bb\n"
        (folder / f"{resolve.name}.lock").write_text(
            locks.render(source.read_bytes(), body, resolve.name), encoding="utf-8"
        )
    (repository / "VERSION").write_text("1.2.3\n", encoding="utf-8")
    return repository
