"""What is committed is what the manifests say."""

from __future__ import annotations

from pathlib import Path

from generate.write import generated


def test_generated_files_are_fresh() -> None:
    wanted = generated(Path.cwd())
    # An empty list of files would be fresh for ever.
    assert {path.parent.name for path in wanted} >= {"oracle", "guardian", "validator", "coordinator"}
    stale = [
        str(path) for path, text in wanted.items() if not path.exists() or path.read_text(encoding="utf-8") != text
    ]
    assert stale == [], "run `./pants run build-support:generate` and commit the result"
