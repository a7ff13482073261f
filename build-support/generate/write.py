"""`./pants run build-support:generate [-- --check]`."""

from __future__ import annotations

import argparse
import difflib
import sys
from pathlib import Path

from generate.errors import GenerateError
from generate.table import replace_table, tier_table
from monitoring.documents import monitoring_files
from node_image.dockerfile import render
from node_image.manifests import GLOBS, load_manifest_file
from noderr.types import ManifestError, TierManifest, check_manifests


def generated(root: Path) -> dict[Path, str]:
    """Every generated file of the repository, with the text that it should have."""
    manifests = [load_manifest_file(path) for pattern in GLOBS for path in sorted(root.glob(pattern))]
    check_manifests(manifests)
    folders = (path.parent.name for path in root.glob("packages/noderr/*/__init__.py"))
    existing = {folder.replace("_", "-") for folder in folders}
    readme = root / "README.md"
    table = tier_table([one for one in manifests if isinstance(one, TierManifest)], existing)
    files = {root / manifest.repository_folder / "Dockerfile": render(manifest) for manifest in manifests}
    files |= {root / path: text for path, text in monitoring_files(manifests).items()}
    return {**files, readme: replace_table(readme.read_text(encoding="utf-8"), table)}


def main() -> int:
    """Exit code 0; 1 when `--check` finds a stale file; 2 when a manifest or the README is wrong."""
    parser = argparse.ArgumentParser(
        description="Write what follows from the manifests: Dockerfiles, monitoring and the table in the README."
    )
    parser.add_argument("--check", action="store_true", help="write nothing; show what differs and exit 1")
    parser.add_argument("--root", type=Path, default=Path.cwd(), help="the repository (default: here)")
    options = parser.parse_args()
    try:
        wanted = generated(options.root)
    except (ManifestError, GenerateError) as error:
        print(error, file=sys.stderr)
        return 2
    stale = 0
    for path, text in wanted.items():
        current = path.read_text(encoding="utf-8") if path.exists() else ""
        if current == text:
            continue
        stale += 1
        name = str(path.relative_to(options.root))
        if options.check:
            print("".join(difflib.unified_diff(current.splitlines(True), text.splitlines(True), name, "generated")))
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
            print(f"wrote {name}")
    if options.check and stale:
        print("Run `./pants run build-support:generate` and commit the result.", file=sys.stderr)
    return 1 if options.check and stale else 0


if __name__ == "__main__":
    sys.exit(main())
