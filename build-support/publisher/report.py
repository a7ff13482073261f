"""What a run did, as JSON for programs and as lines for people."""

from __future__ import annotations

from typing import Any

from publisher.publish import Outcome


def as_json(place: str, outcomes: list[Outcome], *, dry_run: bool) -> dict[str, Any]:
    """The report of `--json`. In a dry run the steps are those that would be made."""
    return {"schema": 1, "destination": place, "dry_run": dry_run, "releases": [_release(found) for found in outcomes]}


def _release(outcome: Outcome) -> dict[str, Any]:
    release = outcome.release
    return {
        "tier": release.tier,
        "version": release.version,
        "revision": release.revision,
        "architectures": list(release.builds),
        "archives": {
            name: {"sha256": build.archive.archive.sha256, "size": build.archive.archive.size}
            for name, build in release.builds.items()
        },
        "latest": {
            "version": outcome.latest.version,
            "sequence": outcome.latest.sequence,
            "moved": outcome.moved,
            "reason": outcome.reason,
        },
        "steps": [
            {"action": step.action, "key": step.want.key, "size": step.want.size, "sha256": step.want.sha256}
            for step in outcome.steps
        ],
    }


def as_line(outcome: Outcome, *, dry_run: bool) -> str:
    """One release in one line."""
    release, latest = outcome.release, outcome.latest
    written = (
        f"{len(outcome.steps)} objects {'to write' if dry_run else 'written'}" if outcome.steps else "all there already"
    )
    if outcome.moved:
        pointer = f"latest {'would be' if dry_run else 'is now'} {latest.version} (sequence {latest.sequence})"
    else:
        pointer = f"latest stays {latest.version} (sequence {latest.sequence}): {outcome.reason}"
    return f"{release.tier} {release.version} [{', '.join(release.builds)}]: {written}; {pointer}"
