"""Telemetry is stored exactly once, on both databases, whatever is sent again, together or out of order."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Row

from noderr.coordinator.database import Database, sqlite_url
from noderr.coordinator.errors import Refusal
from noderr.coordinator.node_store import NodeStore
from noderr.coordinator.record_store import MAX_RECORDS, RecordStore, Taken
from noderr.coordinator.registry import Enrolment, Registry
from noderr.coordinator.testing import NOW_NS, ExampleNode, batch, record
from noderr.types.wire.telemetry_pb2 import Record

NODE = ExampleNode(1)
OTHER = ExampleNode(2)


def enrolled(database: Database) -> RecordStore:
    Registry(database).enrol([Enrolment(node.public_key, node.tier) for node in (NODE, OTHER)], NOW_NS)
    return RecordStore(database)


@pytest.fixture
def store(database: Database) -> RecordStore:
    return enrolled(database)


def take(store: RecordStore, *sequences: int, now_ns: int = NOW_NS) -> Taken:
    return store.take(NODE.node_id, batch(*map(record, sequences)), now_ns)


def stored(store: RecordStore) -> list[int]:
    return sorted(row.sequence for row in store.recent(100_000) if row.node_id == NODE.node_id)


def row(database: Database) -> Row[tuple[object, ...]]:
    return next(one for one in NodeStore(database).all_nodes() if one.node_id == NODE.node_id)


def refusal(store: RecordStore, *records: Record) -> Refusal:
    with pytest.raises(Refusal) as caught:
        store.take(NODE.node_id, batch(*records), NOW_NS)
    return caught.value


def test_new_records_are_stored_as_they_were_sent(store: RecordStore) -> None:
    assert take(store, 1, 2) == Taken(2, 2)
    found = store.recent(10)
    assert [Record.FromString(one.body) for one in found] == [record(2), record(1)]
    assert {one.kind for one in found} == {"node_event"}


def test_the_same_batch_again_changes_nothing(store: RecordStore, database: Database) -> None:
    take(store, 1, 2, 3)
    before = row(database)
    assert take(store, 1, 2, 3) == Taken(3, 0)
    assert take(store, 2) == Taken(2, 0)
    assert stored(store) == [1, 2, 3]
    assert row(database) == before


def test_a_batch_that_is_old_in_part(store: RecordStore) -> None:
    take(store, 1, 2)
    assert take(store, 2, 3, 4) == Taken(4, 2)
    assert stored(store) == [1, 2, 3, 4]


def test_gaps_are_counted_as_lost(store: RecordStore, database: Database) -> None:
    take(store, 3, 4)
    take(store, 8)
    assert (row(database).last_sequence, row(database).records, row(database).lost_records) == (8, 3, 5)


def test_only_what_was_in_the_batch_is_acknowledged(store: RecordStore) -> None:
    take(store, *range(1, 11))
    # A node restored from a backup sends what it still has; of its later records nothing is known.
    assert take(store, 1, 2, 3) == Taken(3, 0)


@pytest.mark.parametrize("sequence", [2, 4])
def test_a_number_with_other_content_is_a_conflict(store: RecordStore, sequence: int) -> None:
    take(store, 1, 2, 3, 5)
    refused = refusal(store, record(1), record(sequence, "other"), record(9))
    assert (refused.status, refused.code, refused.next_sequence) == (409, "sequence-conflict", 6)
    assert f"record {sequence} was used or passed over before" in refused.message
    assert stored(store) == [1, 2, 3, 5]


@pytest.mark.parametrize(
    ("sequences", "problem"),
    [
        ((), "no record"),
        ((0, 1), "sequences 0 to 1"),
        ((2**63,), "must be from 1 to"),
        ((1, 3, 2), "record 2 comes after 3"),
        ((1, 1), "record 1 comes after 1"),
    ],
)
def test_malformed(store: RecordStore, sequences: tuple[int, ...], problem: str) -> None:
    refused = refusal(store, *map(record, sequences))
    assert (refused.status, refused.code) == (400, "malformed")
    assert problem in refused.message
    assert stored(store) == []


def test_too_many_records(store: RecordStore) -> None:
    assert take(store, *range(1, MAX_RECORDS + 1)) == Taken(MAX_RECORDS, MAX_RECORDS)
    assert take(store, *range(1, MAX_RECORDS + 1)) == Taken(MAX_RECORDS, 0)
    refused = refusal(store, *map(record, range(1, MAX_RECORDS + 2)))
    assert (refused.status, refused.code) == (413, "too-large")


def test_the_last_number_there_is(store: RecordStore) -> None:
    last = 2**63 - 1
    assert take(store, 1, last) == Taken(last, 2)
    assert take(store, 1, last) == Taken(last, 0)


def test_strangers_are_not_heard(store: RecordStore) -> None:
    with pytest.raises(Refusal, match="unknown-node"):
        store.take("nobody", batch(record(1)), NOW_NS)


def test_nodes_number_for_themselves(store: RecordStore) -> None:
    take(store, 1)
    assert store.take(OTHER.node_id, batch(record(1, "another's")), NOW_NS) == Taken(1, 1)
    assert take(store, 1) == Taken(1, 0)


def test_pruned_numbers_stay_used(store: RecordStore, database: Database) -> None:
    take(store, 1, 2, now_ns=NOW_NS)
    take(store, 3, now_ns=NOW_NS + 10)
    assert store.prune(NOW_NS + 10) == 2
    assert store.prune(NOW_NS + 10) == 0
    assert stored(store) == [3]
    assert (row(database).last_sequence, row(database).records) == (3, 3)
    assert refusal(store, record(2, "other")).next_sequence == 4
    assert store.prune(NOW_NS + 11) == 1
    assert refusal(store, record(3)).code == "sequence-conflict"
    assert take(store, 4) == Taken(4, 1)


def test_pruning_a_lot_goes_in_steps(store: RecordStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("noderr.coordinator.record_store._PRUNED_AT_ONCE", 3)
    take(store, *range(1, 8))
    assert [store.prune(NOW_NS + 1) for _ in range(4)] == [3, 3, 1, 0]


def test_copies_that_arrive_together_are_taken_once(store: RecordStore, database: Database) -> None:
    copies, rounds = 4, 10
    together = threading.Barrier(copies)
    taken: list[Taken] = []
    failures: list[BaseException] = []

    def send() -> None:
        try:
            for number in range(rounds):
                together.wait(timeout=20)
                taken.append(take(store, *range(10 * number + 1, 10 * number + 11)))
        except BaseException as error:  # Whatever it is, the test shows it.
            failures.append(error)
            together.abort()

    threads = [threading.Thread(target=send, daemon=True) for _ in range(copies)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
        assert not thread.is_alive()
    assert failures == []
    assert len(taken) == copies * rounds
    assert sum(one.new_records for one in taken) == 10 * rounds
    assert stored(store) == list(range(1, 10 * rounds + 1))
    assert (row(database).records, row(database).lost_records) == (10 * rounds, 0)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.sets(st.integers(1, 12), min_size=1), max_size=8))
def test_whatever_is_sent_each_record_is_there_once(
    tmp_path_factory: pytest.TempPathFactory, sent: list[set[int]]
) -> None:
    """A model: a batch is taken when all it repeats is known; then it is known. Nothing else changes anything."""
    folder: Path = tmp_path_factory.mktemp("model")
    database = Database(sqlite_url(folder))
    store, known = enrolled(database), set[int]()
    for sequences in sent:
        last = max(known, default=0)
        repeated, new = ({one for one in sequences if (one <= last) is old} for old in (True, False))
        if repeated <= known:
            assert take(store, *sorted(sequences)) == Taken(max(sequences), len(new))
            known |= new
        else:
            assert refusal(store, *map(record, sorted(sequences))).next_sequence == last + 1
        assert stored(store) == sorted(known)
    assert row(database).lost_records == max(known, default=0) - len(known)
    database.close()
