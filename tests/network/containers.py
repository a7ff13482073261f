"""The members of a local network as containers, from the images in the Docker engine."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx

from noderr.types import ImageManifest
from tests.network.compose import HOST, PUBLISHED_AT, compose_document, compose_text, container_name, processor_limit
from tests.network.container_watch import ContainerState, MemorySampler, container_states
from tests.network.engine import EngineFacts, docker, require_engine, require_images
from tests.network.errors import NetworkError
from tests.network.plan import (
    COORDINATOR,
    TIERS,
    Member,
    NetworkPlan,
    plan_network,
    write_account,
    write_key,
    write_voters,
)
from tests.network.process_status import memory_in
from tests.network.processes import free_ports
from tests.network.views import MemberView

_PROGRAM = ("/usr/bin/python3.13", "-I")
_STOP_SECONDS = 12
_ATTEMPTS = 3
_COORDINATOR_SECONDS = 60
_LABEL = "label=com.docker.compose.project="


def plan_containers(counts: Mapping[str, int], manifests: Mapping[str, ImageManifest]) -> NetworkPlan:
    """A plan whose members are reached by name on the ports of their manifests; HTTP ports are free ones here."""
    kinds = [COORDINATOR, *(tier for tier in TIERS for _ in range(counts.get(tier, 0)))]
    outer = free_ports(len(kinds))
    inner = [manifests[kind].ports["nodes" if kind == COORDINATOR else "grpc"] for kind in kinds]
    return plan_network(counts, [port for pair in zip(outer, inner, strict=True) for port in pair], host=HOST)


def released_images(version: str) -> dict[str, str]:
    """The image of each kind, as `./pants package …:image` tags it."""
    return {kind: f"noderr-{kind}:{version}" for kind in (COORDINATOR, *TIERS)}


class ContainerNetwork:
    """A compose project of its own name, gone with its volumes when it is down. `say` gets what is being done."""

    def __init__(
        self,
        plan: NetworkPlan,
        manifests: Mapping[str, ImageManifest],
        images: Mapping[str, str],
        folder: Path,
        say: Callable[[str], None],
    ) -> None:
        self.plan = plan
        self.project = f"noderr-local-{uuid.uuid4().hex[:8]}"
        self._manifests = {member.kind: manifests[member.kind] for member in plan.members}
        self._images = {kind: images[kind] for kind in self._manifests}
        self._folder = folder
        self._file = folder / "compose.yaml"
        self._say = say
        self._containers = {member.name: container_name(self.project, member) for member in plan.members}
        self._states: dict[str, ContainerState] = {}
        self._sampler = MemorySampler(self._containers)
        self._peaks: dict[str, int] = {}
        self._coordinator_alive_seconds: float | None = None

    def up(self) -> None:
        """Start the coordinator, enrol the nodes, start them. Raises `NetworkError`."""
        engine = require_engine()
        require_images(list(self._images.values()))
        self._write(engine)
        self._say(f"everything in the engine is called {self.project}-… and goes at the end; should this be killed:")
        self._say(f"  {self._by_hand()}")
        self._say("starting the coordinator")
        self._start_coordinator()
        self._say(f"enrolling and starting {len(self.plan.nodes)} nodes")
        enrol = ("exec", "--no-TTY", COORDINATOR, *_PROGRAM, "/opt/noderr", "enrol", "--from", "-")
        self._compose(*enrol, given=self.plan.enrolment())
        # First all are made and then all are started: so their times do not contain each other's making.
        self._compose("up", "--no-start")
        self._compose("start")
        self._sampler.start()

    def _start_coordinator(self) -> None:
        """Start it and wait until it is alive; the engine would say so ten seconds late."""
        coordinator = self.plan.coordinator
        self._compose("up", "--detach", "--no-deps", COORDINATOR)
        with httpx.Client(timeout=2, trust_env=False) as client:
            while True:
                state = container_states({COORDINATOR: self.container(coordinator)})[COORDINATOR]
                if _is_alive(client, f"http://{PUBLISHED_AT}:{coordinator.http_port}/health"):
                    self._coordinator_alive_seconds = state.seconds()
                    return
                if state.restarts or not state.running or state.seconds() > _COORDINATOR_SECONDS:
                    raise NetworkError(
                        f"the coordinator is not alive. Its last words:\n{self._last_words(coordinator)}"
                    )
                time.sleep(0.1)

    def down(self) -> None:
        """Stop and remove containers, networks and volumes. Raises `NetworkError` when something is left."""
        self._sampler.close()
        if not self._file.exists():
            return
        self._say("removing containers, networks and volumes")
        remedy = f"Something may be left in the engine. When it answers: {self._by_hand()}"
        try:
            for _ in range(_ATTEMPTS):
                self._compose("down", "--volumes", "--timeout", str(_STOP_SECONDS))
                # The engine may still have been making something for a command that was interrupted.
                if not (left := left_of(self.project)):
                    break
        except NetworkError as error:
            raise NetworkError(f"{error}\n{remedy}") from None
        if left:
            raise NetworkError(f"still there: {', '.join(left)}\n{remedy}")

    def container(self, member: Member) -> str:
        """The name of a member's container."""
        return self._containers[member.name]

    def look(self) -> None:
        """Ask the engine how the containers are. Raises `NetworkError`."""
        self._states = container_states(self._containers)
        self._sampler.check()

    def see(self, view: MemberView) -> None:
        """Take in what the engine said of the member."""
        name = view.member.name
        state = self._states[name]
        view.running, view.exit_code = state.running, state.exit_code
        view.health, view.container_restarts = state.health, state.restarts
        if view.member is self.plan.coordinator:
            view.seconds_to_alive = self._coordinator_alive_seconds
        view.resident_bytes = self._sampler.now.get(name, 0)
        view.peak_resident_bytes = max(view.peak_resident_bytes, view.resident_bytes, self._peaks.get(name, 0))

    def seconds_since_start(self, member: Member) -> float:
        """How long the member's container runs."""
        return self._states[member.name].seconds() if member.name in self._states else 0.0

    def settle(self) -> None:
        """Keep the logs; read in each container that runs the most memory that its process ever had."""
        logs = self._compose("logs", "--no-color", "--timestamps")
        (self._folder / "containers.log").write_text(logs, encoding="utf-8")
        self._states = container_states(self._containers)
        running = [member for member in self.plan.members if self._states[member.name].running]
        with ThreadPoolExecutor(4) as pool:
            self._peaks = dict(zip((member.name for member in running), pool.map(self._peak, running), strict=True))

    def _peak(self, member: Member) -> int:
        show = "print(open('/proc/1/status').read())"
        try:
            return memory_in(docker("exec", self.container(member), *_PROGRAM, "-c", show, seconds=20))[1]
        except NetworkError as error:
            # It may end while it is asked; what was sampled before stands.
            self._say(f"{member.name}: peak memory is unknown: {error}")
            return 0

    def _write(self, engine: EngineFacts) -> None:
        for words in engine.not_limited:
            self._say(f"this engine's kernel cannot limit {words}: that limit of the manifests is not kept")
        for kind, manifest in self._manifests.items():
            if (given := processor_limit(manifest, engine.processors)) < manifest.cpu_cores.max:
                wanted = manifest.cpu_cores.max
                self._say(f"{kind}: limited to the {given} processors that there are; its manifest allows {wanted}")
        keys = self._folder / "keys"
        keys.mkdir(mode=0o711)
        for member in self.plan.members:
            # The container's user must read it; the folder above is this user's alone.
            write_key(member, keys).chmod(0o444)
            write_account(member, keys).chmod(0o444)
        write_voters(self.plan, self._folder)
        document = compose_document(
            self.plan, self._manifests, self._images, self.project, self._folder, engine.processors
        )
        self._file.write_text(compose_text(document), encoding="utf-8")

    def _last_words(self, member: Member) -> str:
        return self._compose("logs", "--no-color", "--no-log-prefix", "--tail", "12", member.name).strip()

    def _compose(self, *arguments: str, given: str | None = None) -> str:
        return docker("compose", "--progress", "quiet", "--file", str(self._file), *arguments, given=given)

    def _by_hand(self) -> str:
        return f"docker compose --project-name {self.project} down --volumes"


def _is_alive(client: httpx.Client, url: str) -> bool:
    try:
        return client.get(url).status_code == httpx.codes.OK
    except httpx.HTTPError:
        return False


def left_of(project: str) -> list[str]:
    """What the engine has of a compose project."""
    listings = (
        ("container", "ls", "--all", "--format", "container {{.Names}}"),
        ("network", "ls", "--format", "network {{.Name}}"),
        ("volume", "ls", "--format", "volume {{.Name}}"),
    )
    return [line for listing in listings for line in docker(*listing, "--filter", _LABEL + project).splitlines()]
