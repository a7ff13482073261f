from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import pytest

from noderr.core.errors import CriticalServiceError, ServiceEndedError, ServiceError
from noderr.core.keeper import RestartPolicy
from noderr.core.status import ServiceState, StatusBoard
from noderr.core.supervisor import Supervisor
from noderr.core.vitals import Missing, Vitals
from noderr.utils import Backoff

POLICY = RestartPolicy(Backoff(first_seconds=1, limit_seconds=4), budget=3, window_seconds=100, clean_up_seconds=1)


class FakeService:
    """Runs until stopped, unless a script says what its next lives do; an empty script is a good life."""

    def __init__(
        self,
        name: str,
        *,
        critical: bool = True,
        lives: Sequence[str] = (),
        slow_seconds: float = 0,
        requires: Sequence[str] = (),
    ) -> None:
        self.name = name
        self.critical = critical
        self.lives = list(lives)
        self.slow_seconds = slow_seconds
        self.calls: list[str] = []
        self.finished = False
        self.needs: tuple[str, ...] = ()
        self.requires: tuple[str, ...] = tuple(requires)
        self._stopping = asyncio.Event()

    async def start(self) -> None:
        self.calls.append("start")
        self._stopping.clear()
        if self.lives and self.lives[0] == "start fails":
            self.lives.pop(0)
            raise ConnectionError("no door")

    async def run(self) -> None:
        match self.lives.pop(0) if self.lives else "good":
            case "returns":
                return
            case "raises":
                raise ValueError("went wrong")
            case "cancels itself":
                raise asyncio.CancelledError
        await self._stopping.wait()
        await asyncio.sleep(self.slow_seconds)
        self.finished = True

    async def stop(self) -> None:
        self.calls.append("stop")
        self._stopping.set()

    def missing(self) -> Sequence[str]:
        return self.needs


class Rig:
    """A supervisor whose back-off takes no time, on a clock that the back-off moves."""

    def __init__(self, *services: FakeService, drain_seconds: float = 1, wait_for_ever: bool = False) -> None:
        self.now = 0.0
        self.waits: list[float] = []
        self.wait_for_ever = wait_for_ever
        self.board = StatusBoard()
        self.stop = asyncio.Event()
        self.supervisor = Supervisor(
            services,
            self.board,
            drain_seconds=drain_seconds,
            policy=POLICY,
            clock=self,
        )

    def now_ns(self) -> int:
        return round(self.now * 1e9)

    def monotonic(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.now += seconds
        await asyncio.sleep(3600 if self.wait_for_ever else 0)

    def when(self, name: str, state: ServiceState) -> Awaitable[None]:
        """Resolves once the service is in the state."""
        return self.until(lambda: self.board.status(name).state is state)

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(5):
            while not condition():  # noqa: ASYNC110  (a board has no events to wait for)
                await asyncio.sleep(0.001)

    async def run_until_settled(self, *names: str) -> asyncio.Task[None]:
        running = asyncio.create_task(self.supervisor.run(self.stop))
        for name in names:
            await self.when(name, ServiceState.RUNNING)
        return running

    async def end(self, running: asyncio.Task[None]) -> None:
        self.stop.set()
        async with asyncio.timeout(5):
            await running


async def test_services_run_until_the_stop_and_finish_their_work() -> None:
    first, second = FakeService("first"), FakeService("second")
    rig = Rig(first, second)
    await rig.end(await rig.run_until_settled("first", "second"))
    assert first.calls == second.calls == ["start", "stop"]
    assert first.finished
    assert second.finished
    assert {status.state for status in rig.board.statuses()} == {ServiceState.STOPPED}


@pytest.mark.parametrize("life", ["returns", "cancels itself"])
async def test_service_that_returns_early_has_failed(life: str) -> None:
    service = FakeService("worker", lives=[life])
    rig = Rig(service)
    seen: list[str | None] = []
    rig.board.subscribe(lambda status: seen.append(status.problem))
    running = asyncio.create_task(rig.supervisor.run(rig.stop))
    await rig.until(lambda: service.calls == ["start", "stop", "start"])
    await rig.when("worker", ServiceState.RUNNING)
    await rig.end(running)
    assert any(problem and "worker" in problem for problem in seen)
    assert service.calls == ["start", "stop", "start", "stop"]


async def test_budget_spent_ends_everything_with_the_cause() -> None:
    bad = FakeService("bad", lives=["raises"] * 10)
    good = FakeService("good")
    rig = Rig(bad, good)
    with pytest.raises(CriticalServiceError, match="critical service bad is dead: went wrong") as caught:
        await asyncio.wait_for(rig.supervisor.run(rig.stop), 5)
    assert isinstance(caught.value.__cause__, ValueError)
    assert rig.waits == [1, 2, 4]
    assert rig.board.status("bad").state is ServiceState.FAILED
    assert good.finished


async def test_early_returns_spend_the_budget_too() -> None:
    rig = Rig(FakeService("idle", lives=["returns"] * 10))
    with pytest.raises(CriticalServiceError) as caught:
        await asyncio.wait_for(rig.supervisor.run(rig.stop), 5)
    assert isinstance(caught.value.__cause__, ServiceEndedError)


async def test_restarts_of_long_ago_do_not_count() -> None:
    service = FakeService("worker", lives=["raises"] * 3)
    rig = Rig(service)
    running = asyncio.create_task(rig.supervisor.run(rig.stop))
    await rig.until(lambda: not service.lives and rig.board.status("worker").state is ServiceState.RUNNING)
    rig.now += 101
    service.lives = ["raises"] * 3
    await service.stop()  # Ends the good life: early, as far as the supervisor knows.
    with pytest.raises(CriticalServiceError):
        await asyncio.wait_for(running, 5)
    # Three restarts, then a new window with three more.
    assert rig.waits == [1, 2, 4, 1, 2, 4]


async def test_critical_service_that_never_started_is_dead_at_once() -> None:
    rig = Rig(FakeService("door", lives=["start fails"]))
    with pytest.raises(CriticalServiceError, match="door is dead: no door"):
        await asyncio.wait_for(rig.supervisor.run(rig.stop), 5)
    assert rig.waits == []


async def test_optional_service_is_tried_for_ever_and_the_node_lives() -> None:
    optional = FakeService("peer", critical=False, lives=["start fails"] * 20)
    rig = Rig(optional, FakeService("core"))
    running = await rig.run_until_settled("core", "peer")
    assert rig.board.status("peer").restarts == 20
    assert rig.waits == [1, 2] + [4] * 18
    await rig.end(running)


async def test_optional_service_failure_leaves_health_and_takes_readiness() -> None:
    optional = FakeService("peer", critical=False, lives=["start fails"])
    rig = Rig(optional, FakeService("core"), wait_for_ever=True)
    vitals = Vitals(rig.board, loop_turning=lambda: True)
    running = await rig.run_until_settled("core")
    await rig.when("peer", ServiceState.RESTARTING)
    assert vitals.problems() == ()
    assert vitals.missing() == (Missing("service", "peer", "no door"),)
    await rig.end(running)


async def test_drain_ends_in_time_whatever_a_service_does() -> None:
    slow, quick = FakeService("slow", slow_seconds=60), FakeService("quick")
    rig = Rig(slow, quick, drain_seconds=0.1)
    running = await rig.run_until_settled("slow", "quick")
    began = asyncio.get_running_loop().time()
    await rig.end(running)
    assert asyncio.get_running_loop().time() - began < 1
    assert quick.finished
    assert not slow.finished


async def test_drain_waits_for_open_work() -> None:
    slow = FakeService("slow", slow_seconds=0.2)
    rig = Rig(slow, drain_seconds=5)
    await rig.end(await rig.run_until_settled("slow"))
    assert slow.finished


async def test_two_services_of_one_name_are_refused() -> None:
    with pytest.raises(ServiceError, match="two services are named 'twin'"):
        Rig(FakeService("twin"), FakeService("twin"))


async def test_ready_names_packages_services_and_needs() -> None:
    service = FakeService("feed")
    service.needs = ("prices of ETH",)
    rig = Rig(service)
    vitals = Vitals(rig.board, loop_turning=lambda: False, missing_packages=["risk-engine"])
    package = Missing("package", "risk-engine", "not in this build")
    assert vitals.missing() == (package, Missing("service", "feed", "is waiting"))
    assert vitals.problems() == (
        "critical service feed is waiting",
        "the event loop has not turned for too long",
    )
    running = await rig.run_until_settled("feed")
    assert vitals.missing() == (package, Missing("need", "feed", "prices of ETH"))
    await rig.end(running)


async def test_service_starts_after_those_that_it_requires_and_stops_before_them() -> None:
    top, middle, bottom = (
        FakeService("top", requires=["middle"]),
        FakeService("middle", requires=["bottom"], slow_seconds=0.05),
        FakeService("bottom"),
    )
    rig = Rig(top, middle, bottom)
    seen: list[tuple[str, ServiceState]] = []
    rig.board.subscribe(lambda status: seen.append((status.name, status.state)))
    await rig.end(await rig.run_until_settled("top", "middle", "bottom"))

    def order(state: ServiceState) -> list[str]:
        return [name for name, found in seen if found is state]

    assert order(ServiceState.RUNNING) == ["bottom", "middle", "top"]
    assert order(ServiceState.STOPPED) == ["top", "middle", "bottom"]
    assert seen.index(("middle", ServiceState.STOPPED)) < seen.index(("bottom", ServiceState.STOPPING))


async def test_service_waits_for_an_optional_one_and_says_so() -> None:
    peer, user = FakeService("peer", critical=False, lives=["start fails"] * 2), FakeService("user", requires=["peer"])
    rig = Rig(peer, user, wait_for_ever=True)
    vitals = Vitals(rig.board, loop_turning=lambda: True)
    running = asyncio.create_task(rig.supervisor.run(rig.stop))
    await rig.when("peer", ServiceState.RESTARTING)
    assert user.calls == []
    assert Missing("service", "user", "waits for peer") in vitals.missing()
    assert vitals.problems() == ("critical service user is waiting: waits for peer",)
    await rig.end(running)


@pytest.mark.parametrize(
    ("requires", "words"),
    [(["b"], "requires 'b', which this process does not have"), (["a"], "services require each other: a -> a")],
)
def test_impossible_requirements_are_refused(requires: list[str], words: str) -> None:
    with pytest.raises(ServiceError, match=words):
        Rig(FakeService("a", requires=requires))


async def test_slow_wave_leaves_time_to_those_below() -> None:
    stuck, below = FakeService("stuck", requires=["below"], slow_seconds=60), FakeService("below", slow_seconds=0.01)
    rig = Rig(stuck, below, drain_seconds=0.2)
    await rig.end(await rig.run_until_settled("stuck", "below"))
    assert below.finished
    assert not stuck.finished
