"""`./pants lock`: pin the newest versions that the lists allow."""

from __future__ import annotations

from pathlib import Path

from launcher import interpreters, locks
from launcher.errors import LauncherError
from launcher.locks import Resolve
from launcher.machine import replace, run, say
from launcher.tools import index_options


def refresh(root: Path, names: list[str], uv: Path) -> None:
    """Rewrite the locks of the named resolves, or of all."""
    known = {resolve.name: resolve for resolve in locks.ALL_RESOLVES}
    for name in names:
        if name not in known:
            raise LauncherError(f"There is no Python lock {name!r}: known are {', '.join(known)}, and debian.")
    for name in names or list(known):
        _refresh(root, known[name], uv)


def _refresh(root: Path, resolve: Resolve, uv: Path) -> None:
    source = locks.folder(root) / f"{resolve.name}.txt"
    python = interpreters.provide(resolve.lowest_python, uv)
    argv = [uv, "pip", "compile", "-q", "--universal", "--generate-hashes", "--no-header", "--no-annotate"]
    argv += ["--no-emit-index-url", "--no-emit-find-links", "--upgrade", *index_options(), "-p", python, source]
    body = run(argv, doing=f"Locking {resolve.name}")
    target = source.with_suffix(".lock")
    replace(target, locks.render(source.read_bytes(), body, resolve.name).encode())
    say(f"{target.relative_to(root)}: {body.count('==')} pinned")
