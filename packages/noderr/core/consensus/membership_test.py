from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from noderr.core.consensus.errors import MembershipError
from noderr.core.consensus.membership import Membership, membership_json, read_membership
from noderr.types.eip712 import Domain
from noderr.types.signing.account_key import AccountKey, checksum_address
from noderr.types.signing.node_key import node_id

CONTRACT = b"\xaa" * 20
ACCOUNTS = [AccountKey(bytes([number]) * 32).address for number in range(1, 5)]
NODES = [bytes([number]) * 32 for number in range(1, 5)]
VOTERS = [
    ("oracle", ACCOUNTS[0], NODES[0], 125_000),
    ("oracle", ACCOUNTS[1], NODES[1], 250_000),
    ("guardian", ACCOUNTS[2], NODES[2], 25_000),
]
FILE: dict[str, Any] = json.loads(
    membership_json(VOTERS, chain_id=84532, verifying_contract=CONTRACT, genesis_unix_s=1_790_000_000, epoch=3)
)


def read(folder: Path, file: dict[str, Any] | bytes) -> Membership:
    path = folder / "voters.json"
    path.write_bytes(file if isinstance(file, bytes) else json.dumps(file).encode())
    return read_membership(path)


def problems(folder: Path, file: dict[str, Any] | bytes) -> tuple[str, ...]:
    with pytest.raises(MembershipError) as caught:
        read(folder, file)
    return caught.value.problems


def with_voter(**changes: Any) -> dict[str, Any]:
    """The file with its first voter changed."""
    return FILE | {"voters": [FILE["voters"][0] | changes, *FILE["voters"][1:]]}


def test_what_is_written_is_read(tmp_path: Path) -> None:
    content = membership_json(
        VOTERS,
        chain_id=84532,
        verifying_contract=CONTRACT,
        genesis_unix_s=1_790_000_000,
        epoch=3,
        round_ms={"oracle": 30_000, "guardian": 10},
    )
    found = read(tmp_path, content)
    assert found.domain == Domain("NodeOS", "1", 84532, CONTRACT)
    assert found.genesis_ns == 1_790_000_000 * 10**9
    assert found.periods_ns == {3: 30_000_000_000, 2: 10_000_000}
    oracles, guardians = found.voters(3), found.voters(2)
    assert oracles is not None
    assert guardians is not None
    assert (oracles.tier, oracles.epoch) == (3, 3)
    assert oracles.weights == {ACCOUNTS[0]: 125_000, ACCOUNTS[1]: 250_000}
    assert guardians.weights == {ACCOUNTS[2]: 25_000}
    assert found.voters(1) is None
    assert found.nodes == {account: node_id(node) for account, node in zip(ACCOUNTS[:3], NODES[:3], strict=True)}


def test_slots_may_be_left_out(tmp_path: Path) -> None:
    assert read(tmp_path, {name: value for name, value in FILE.items() if name != "round_ms"}).periods_ns == {}


def test_addresses_may_be_written_without_their_checksum(tmp_path: Path) -> None:
    lower = FILE["voters"][0]["account"].lower()
    assert read(tmp_path, with_voter(account=lower)).nodes.keys() == set(ACCOUNTS[:3])


def test_all_problems_are_told_at_once(tmp_path: Path) -> None:
    file = {
        "chain_id": 0,
        "verifying_contract": "0x12",
        "genesis_unix_s": -1,
        "epoch": -1,
        "voters": [
            {"tier": "coordinator", "account": "0xno", "node": "ab", "weight": 0},
            FILE["voters"][0],
            FILE["voters"][0] | {"tier": "guardian"},
        ],
        "round_ms": {"oracle": 9, "guardian": 86_400_001, "coordinator": 1000},
    }
    found = problems(tmp_path, file)
    account, node = FILE["voters"][0]["account"].lower(), FILE["voters"][0]["node"]
    assert [one.partition(": ")[0].partition(" is ")[0] for one in found] == [
        "chain_id",
        "genesis_unix_s",
        "epoch",
        "round_ms.oracle",
        "round_ms.guardian",
        "round_ms.coordinator",
        "verifying_contract",
        "voters[0].tier",
        "voters[0].account",
        "voters[0].node",
        "voters[0].weight",
        f"account {account}",
        f"node {node}",
    ]
    with pytest.raises(MembershipError, match=r"voters\.json: 13 problem\(s\)\n  - chain_id is 0: it must be"):
        read(tmp_path, file)


@pytest.mark.parametrize(
    ("field", "value", "problem"),
    [
        ("chain_id", 0, "chain_id is 0: it must be a chain's number, such as 84532"),
        ("chain_id", 1 << 63, f"chain_id is {1 << 63}: it must be a chain's number, such as 84532"),
        ("genesis_unix_s", 1 << 40, f"genesis_unix_s is {1 << 40}: it must be Unix seconds"),
        ("epoch", -1, "epoch is -1: it must be at least 0"),
        ("round_ms", {"oracle": 9}, "round_ms.oracle is 9: it must be 10 to 86400000, for a tier"),
        ("round_ms", {"guardian": 86_400_001}, "round_ms.guardian is 86400001: it must be 10 to 86400000, for a tier"),
        ("round_ms", {"observer": 1000}, "round_ms.observer is 1000: it must be 10 to 86400000, for a tier"),
    ],
)
def test_number_out_of_range_is_named_with_what_it_may_be(
    tmp_path: Path, field: str, value: object, problem: str
) -> None:
    assert problems(tmp_path, FILE | {field: value}) == (problem,)


@pytest.mark.parametrize("field", ["verifying_contract", "account"])
def test_typing_error_in_an_address_is_found(tmp_path: Path, field: str) -> None:
    right = checksum_address(CONTRACT if field == "verifying_contract" else ACCOUNTS[0])
    letter = next(place for place in range(2, len(right)) if right[place].isalpha())
    wrong = right[:letter] + right[letter].swapcase() + right[letter + 1 :]
    file = FILE | {field: wrong} if field == "verifying_contract" else with_voter(account=wrong)
    (problem,) = problems(tmp_path, file)
    assert problem.endswith("its case does not fit (EIP-55); copy it again")
    assert wrong in problem


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"weight": 0}, "voters[0].weight is 0: it must be above 0"),
        ({"weight": -5}, "voters[0].weight is -5: it must be above 0"),
        ({"tier": "watcher"}, "voters[0].tier is 'watcher': it must be validator, guardian, oracle"),
        (
            {"node": "zz" * 32},
            f"voters[0].node: '{'zz' * 32}' is no public key of a node: it has 64 hexadecimal digits",
        ),
        ({"node": NODES[2].hex()}, f"node {NODES[2].hex()} is there 2 times: each votes once"),
        (
            {"account": "0x" + ACCOUNTS[1].hex().upper()},
            f"account 0x{ACCOUNTS[1].hex()} is there 2 times: each votes once",
        ),
    ],
    ids=["no weight", "negative weight", "tier", "node's key", "node twice", "account twice"],
)
def test_wrong_voter_is_named(tmp_path: Path, changes: dict[str, Any], problem: str) -> None:
    assert problems(tmp_path, with_voter(**changes)) == (problem,)


def test_weights_that_a_vote_cannot_count_are_refused(tmp_path: Path) -> None:
    assert len(problems(tmp_path, with_voter(weight=1 << 256))) == 1


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff\xfe",
        b"[]",
        b"{}",
        json.dumps(FILE | {"chain_id": "84532"}).encode(),
        json.dumps(FILE | {"chian_id": 1}).encode(),
        json.dumps(with_voter(wieght=1)).encode(),
        json.dumps(FILE | {"voters": [{"tier": "oracle"}]}).encode(),
    ],
    ids=[
        "empty",
        "no text",
        "a list",
        "no fields",
        "text for a number",
        "unknown field",
        "voter's typo",
        "voter's gap",
    ],
)
def test_what_is_no_list_of_voters_is_refused(tmp_path: Path, content: bytes) -> None:
    (problem,) = problems(tmp_path, content)
    assert problem.startswith("it is no list of voters: ")


def test_oversized_file_is_refused(tmp_path: Path) -> None:
    assert problems(tmp_path, b" " * ((1 << 20) + 1)) == (f"it has {(1 << 20) + 1} bytes: at most {1 << 20}",)


def test_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(MembershipError, match=r"absent\.json: 1 problem\(s\)\n  - it cannot be read: No such file"):
        read_membership(tmp_path / "absent.json")
    with pytest.raises(MembershipError, match="it cannot be read: Is a directory"):
        read_membership(tmp_path)
