"""Measures the coordinator, a real process with its database, against writing the same rows by SQLAlchemy alone.

    python -m noderr.coordinator.coordinator_bench

On SQLite, and on PostgreSQL where it is installed. Messages are signed beforehand; each of the clients has a connection
and waits for each answer. The bare writer has as many threads, the same durability and a database of its own. Rounds
alternate, and ratios are medians of those of the rounds. A run stays below what an address and a key may send.
"""

from __future__ import annotations

import http.client
import itertools
import socket
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Executable, insert, update
from sqlalchemy.engine import URL

from noderr.coordinator.database import Database, sqlite_url
from noderr.coordinator.registry import Enrolment, Registry
from noderr.coordinator.tables import nodes, records
from noderr.coordinator.testing import ExampleNode, batch, record
from noderr.coordinator.testing_postgres import PostgresServer, find_postgres
from noderr.coordinator.testing_process import Machine

_ROUNDS = 5
_CLIENTS = 4
_NODES = 40
_HEARTBEATS = 280  # a round, together
_BATCHES, _BATCH_RECORDS = 40, 500

type Job = Callable[[], None]


class Client:
    """A connection that stays open."""

    def __init__(self, address: str) -> None:
        host, _, port = address.removeprefix("http://").rpartition(":")
        self._connection = http.client.HTTPConnection(host, int(port), timeout=30)
        self._connection.connect()
        self._connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def post(self, path: str, body: bytes) -> None:
        self._connection.request("POST", f"/v1/{path}", body)
        answer = self._connection.getresponse()
        said = answer.read()
        assert answer.status == http.client.OK, said

    def close(self) -> None:
        self._connection.close()


@dataclass
class Bench:
    """The two databases, and the numbers that nodes have reached."""

    kind: str
    clients: list[Client]
    bare: Database
    members: list[ExampleNode]
    heartbeats: Iterator[int]
    first_sequence: int = 1

    def run(self) -> None:
        """Print the figures of one database."""
        print(f"{self.kind}, {_CLIENTS} clients, {_ROUNDS} rounds")
        for name, count, make in (
            ("heartbeats", _HEARTBEATS, self._heartbeat_jobs),
            (f"records, {_BATCH_RECORDS} a batch", _BATCHES * _BATCH_RECORDS, self._batch_jobs),
        ):
            pairs = []
            for _ in range(_ROUNDS):
                bare, ours = make()
                pairs.append((_seconds(bare), _seconds(ours)))
            bare_rate, rate = (statistics.median(count / pair[one] for pair in pairs) for one in (0, 1))
            ratio = statistics.median(pair[0] / pair[1] for pair in pairs)
            print(f"  {name:<22} bare {bare_rate:8,.0f}/s   coordinator {rate:8,.0f}/s   {ratio:5.2f}")

    def _heartbeat_jobs(self) -> tuple[list[list[Job]], list[list[Job]]]:
        """What the bare writer and what the clients do in a round, a list for each thread."""
        bare: list[list[Job]] = [[] for _ in self.clients]
        ours: list[list[Job]] = [[] for _ in self.clients]
        for _ in range(_HEARTBEATS // _NODES):
            number, now_ns = next(self.heartbeats), time.time_ns()
            for index, node in enumerate(self.members):
                message = node.heartbeat(number, at_ns=now_ns)
                values = {
                    "heartbeat_sequence": number,
                    "heartbeat_at_ns": now_ns,
                    "clock_offset_ns": 0,
                    "version": message.version,
                    "started_at_ns": message.started_at_unix_ns,
                    "alive": True,
                    "ready": False,
                    "missing": "[]",
                }
                row = update(nodes).where(nodes.c.node_id == node.node_id).values(**values)
                bare[index % _CLIENTS].append(self._write(row))
                ours[index % _CLIENTS].append(self._post(index, "heartbeat", node.body("heartbeat", message)))
        return bare, ours

    def _batch_jobs(self) -> tuple[list[list[Job]], list[list[Job]]]:
        bare: list[list[Job]] = [[] for _ in self.clients]
        ours: list[list[Job]] = [[] for _ in self.clients]
        for _ in range(_BATCHES // _CLIENTS):
            sent = [record(self.first_sequence + number) for number in range(_BATCH_RECORDS)]
            self.first_sequence += _BATCH_RECORDS
            now_ns = time.time_ns()
            for index, node in enumerate(self.members[:_CLIENTS]):
                rows = [
                    {
                        "node_id": node.node_id,
                        "sequence": one.sequence,
                        "at_ns": one.at_unix_ns,
                        "received_at_ns": now_ns,
                        "kind": "node_event",
                        "body": one.SerializeToString(deterministic=True),
                    }
                    for one in sent
                ]
                bare[index].append(self._write(insert(records), rows))
                ours[index].append(self._post(index, "telemetry", node.body("telemetry", batch(*sent, at_ns=now_ns))))
        return bare, ours

    def _write(self, statement: Executable, rows: Sequence[dict[str, object]] | None = None) -> Job:
        def job() -> None:
            with self.bare.transaction() as connection:
                connection.execute(statement, rows)

        return job

    def _post(self, index: int, path: str, body: bytes) -> Job:
        return lambda: self.clients[index % _CLIENTS].post(path, body)


def _seconds(jobs: list[list[Job]]) -> float:
    def work(mine: list[Job]) -> None:
        for job in mine:
            job()

    with ThreadPoolExecutor(len(jobs)) as threads:
        began = time.perf_counter()
        list(threads.map(work, jobs))
        return time.perf_counter() - began


@contextmanager
def bench(folder: Path, url: URL, bare_url: URL) -> Iterator[Bench]:
    """A coordinator that serves on `url`; the same nodes are in both databases."""
    machine = Machine(folder)
    if url.get_backend_name() == "postgresql":
        machine.environ["NODEOS_DATABASE_URL"] = url.render_as_string(hide_password=False)
    members = [ExampleNode(number + 1) for number in range(_NODES)]
    coordinator = machine.serve()
    clients = [Client(coordinator.nodes) for _ in range(_CLIENTS)]
    bare, served = Database(bare_url), Database(url)
    try:
        for database in (served, bare):
            enrolments = [Enrolment(node.public_key, node.tier) for node in members]
            Registry(database).enrol(enrolments, time.time_ns())
        yield Bench(bare.kind, clients, bare, members, itertools.count(1))
    finally:
        for client in clients:
            client.close()
        bare.close()
        served.close()
        machine.end_all()


def main() -> None:
    """Print the figures."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for part in ("sqlite", "bare", "postgres"):
            (folder / part).mkdir()
        with bench(folder / "sqlite", sqlite_url(folder / "sqlite" / "data"), sqlite_url(folder / "bare")) as one:
            one.run()
        programs = find_postgres()
        if programs is None:
            print("postgresql is not installed here: .ci/postgres installs it")
            return
        with (
            PostgresServer(programs) as server,
            bench(folder / "postgres", server.new_database(), server.new_database()) as one,
        ):
            one.run()


if __name__ == "__main__":
    main()
