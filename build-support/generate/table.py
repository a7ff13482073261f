"""The README's table of the tiers."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from generate.errors import MarkersMissing
from noderr.types import Range, TierManifest

BEGIN = "<!-- tiers: written by `./pants run build-support:generate` -->"
END = "<!-- /tiers -->"

_HEAD = (
    "| tier | no. | HTTP / gRPC | stake / airdrop (NODR) | CPU | memory | storage | packages | listed, not here yet |",
    "|---|---|---|---|---|---|---|---|---|",
)


def tier_table(manifests: Iterable[TierManifest], existing: Collection[str]) -> str:
    """Markdown, a row a tier, highest number first; `existing` are the packages in the tree, by manifest name."""
    rows = [_row(manifest, existing) for manifest in sorted(manifests, key=lambda one: -one.number)]
    return "\n".join([*_HEAD, *rows])


def replace_table(document: str, table: str) -> str:
    """The document with the table between its markers. Raises `MarkersMissing`."""
    before, begin, rest = document.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise MarkersMissing(f"README.md has no lines {BEGIN} and {END}: put them where the table is to stand")
    return f"{before}{BEGIN}\n{table}\n{END}{after}"


def _row(manifest: TierManifest, existing: Collection[str]) -> str:
    here = [name for name in manifest.packages if name in existing]
    missing = [name for name in manifest.packages if name not in existing]
    cells = (
        f"**{manifest.tier}**: {manifest.responsibility}",
        str(manifest.number),
        f"{manifest.http_port} / {manifest.grpc_port}",
        f"{manifest.stake_nodr:,} / {manifest.airdrop_nodr:,}",
        f"{_range(manifest.cpu_cores)} cores",
        f"{_range(manifest.memory_gb)} GB",
        f"{manifest.storage_gb} GB",
        " ".join(here),
        " ".join(missing) or "–",
    )
    return f"| {' | '.join(cells)} |"


def _range(found: Range) -> str:
    return str(found.min) if found.min == found.max else f"{found.min}–{found.max}"
