"""Publishing one release: look, plan, write and read back, until nothing is missing."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial

from publisher import keys
from publisher.context import Context, read_context
from publisher.errors import CompetingPublisher, ObjectDamaged, PreconditionFailed
from publisher.plan import Step, plan
from publisher.pointer import Decision, Pointer, Policy
from publisher.release import Release
from publisher.store import Content, Progress, Seen, Store
from publisher.ui import Ui
from publisher.wants import Want, wanted

PASSES = 20
"""How often the destination may change under us before we say so. Alone there are two passes; each of n competitors can
cost two more: one when it moves `latest`, one when it copies what it had planned before."""


@dataclass(frozen=True)
class Outcome:
    """What a run did: its writes in order, what is latest now, and whether this run moved it."""

    release: Release
    steps: tuple[Step, ...]
    latest: Pointer
    moved: bool
    reason: str


@dataclass
class Publisher:
    """Publishes releases to one store. `now` is the clock that `latest.json` gets its time from."""

    store: Store
    ui: Ui
    policy: Policy = field(default_factory=Policy)
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    _seen: dict[str, Seen] = field(default_factory=dict)

    def rehearse(self, release: Release) -> Outcome:
        """What `publish` would do now. Nothing is written."""
        steps, decision = self._look_and_plan(release)
        return Outcome(release, tuple(steps), decision.pointer, decision.moves, decision.reason)

    def publish(self, release: Release) -> Outcome:
        """Write what is missing; a later run goes on from wherever this one ends.

        Raises any `PublisherError` but `PreconditionFailed`.
        """
        done: list[Step] = []
        tried: list[Decision] = []
        for _ in range(PASSES):
            steps, decision = self._look_and_plan(release)
            if not steps:
                ours = next((attempt for attempt in tried if attempt.pointer == decision.pointer), None)
                return Outcome(
                    release, tuple(done), decision.pointer, ours is not None, ours.reason if ours else decision.reason
                )
            if decision.moves:
                tried.append(decision)
            try:
                done += [step for step in steps if self._performed(step)]
            except PreconditionFailed as error:
                self.ui.say(f"{error}: looking again")
        raise CompetingPublisher(
            f"{self.store.place} changed under this publisher {PASSES} times. Nothing is broken: run it again when the "
            "other one is done."
        )

    def _look_and_plan(self, release: Release) -> tuple[list[Step], Decision]:
        context = read_context(self.store, release)
        wants, decision = wanted(release, context, self.policy, self.now().strftime("%Y-%m-%dT%H:%M:%SZ"))
        return plan(wants, self._look(wants, context, keys.pointer(release.tier))), decision

    def _look(self, wants: Iterable[Want], context: Context, pointer_key: str) -> dict[str, Seen]:
        """Read back every wanted object that is there; what was read before and did not change is not read again."""
        sizes = {want.key: want.size for want in wants}
        passed = 0
        with self.ui.bar("looking at what is there", sum(sizes.values())) as progress:
            for key, size in sizes.items():
                seen = self.store.digest(key, partial(_shifted, progress, passed), self._seen.pop(key, None))
                if seen is not None:
                    self._seen[key] = seen
                passed += size
        found = {key: self._seen[key] for key in sizes if key in self._seen}
        # The decision was made on latest.json as the context saw it, so only that one may be replaced by it.
        found.pop(pointer_key, None)
        return found if context.seen is None else {**found, pointer_key: context.seen}

    def _performed(self, step: Step) -> bool:
        """Perform a step; False for a copy of the latest that another publisher overwrote at the same time.

        Going back then would let two publishers overwrite each other for ever. Going on lets `latest.json` decide
        between them, and whoever looks again mends the copy.
        """
        try:
            self._perform(step)
        except PreconditionFailed as error:
            if step.want.kind != "copy":
                raise
            self.ui.say(f"{error}: latest.json will decide")
            return False
        return True

    def _perform(self, step: Step) -> None:
        """Write one object and read it back. What is not what was written is never built upon."""
        want = step.want
        with self.ui.bar(f"{step.action} {want.key}", want.size) as progress:
            if isinstance(want.source, str):
                self.store.copy(want.source, want.key, want.headers, want.sha256)
            elif isinstance(want.source, Content) and want.replaceable:
                self.store.put_if_match(want.key, want.source, want.headers, step.etag)
            elif isinstance(want.source, Content):
                self.store.put_new(want.key, want.source, want.headers, progress)
        with self.ui.bar(f"read back {want.key}", want.size) as progress:
            seen = self.store.digest(want.key, progress)
        if seen is None or seen.sha256 != want.sha256:
            if want.replaceable:
                raise PreconditionFailed(f"{want.key} was changed by another publisher")
            raise ObjectDamaged(
                f"{want.key} was written with the sha256 {want.sha256} and reads back as "
                f"{seen.sha256 if seen else 'nothing'}. Delete the object and publish again."
            )
        self._seen[want.key] = seen
        self.ui.say(f"{step.action} {want.key} ({want.size:,} bytes), read back")


def _shifted(progress: Progress, passed: int, done: int) -> None:
    """Progress within one object as progress within all."""
    progress(passed + done)
