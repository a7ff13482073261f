"""The writes that are missing: a pure comparison of what must be there with what is.

A run after a kill, a run after a competing publisher and a second run are therefore all the same run.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from publisher.errors import ObjectDamaged, VersionAlreadyPublished
from publisher.store import Seen
from publisher.wants import Want


@dataclass(frozen=True)
class Step:
    """One write, and the read-back that follows it. `etag` is of the object that it replaces, None where none is."""

    want: Want
    etag: str | None

    @property
    def action(self) -> str:
        """What it does, in a word."""
        if isinstance(self.want.source, str):
            return "copy"
        return "replace" if self.etag is not None else "upload"


def plan(wants: Iterable[Want], seen: Mapping[str, Seen]) -> list[Step]:
    """The steps, in order. Raises `VersionAlreadyPublished` or `ObjectDamaged` for what no write may mend."""
    steps: dict[str, Step] = {}
    for want in wants:
        there = seen.get(want.key)
        if want.key in steps or (there is not None and there.sha256 == want.sha256):
            continue
        _check_writable(want, there)
        steps[want.key] = Step(want, there.etag if there else None)
    return list(steps.values())


def _check_writable(want: Want, there: Seen | None) -> None:
    if there is None:
        if want.source is None:
            raise ObjectDamaged(f"{want.key} is gone, although it was published: publish that version again.")
    elif want.kind == "versioned" and want.source is not None:
        raise VersionAlreadyPublished(want.key, want.sha256, there.sha256)
    elif not want.replaceable:
        raise ObjectDamaged(
            f"{want.key} must have the sha256 {want.sha256} and has {there.sha256}. Delete it and publish again."
        )
