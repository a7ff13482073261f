"""The committee of an epoch follows from a published drand round, and from nothing that anybody can choose."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest

from noderr.oracle_consensus.draw_command import main
from noderr.oracle_consensus.epoch_draw import EpochDraw, PoolMember, check_draw, draw_epoch, read_draw
from noderr.oracle_consensus.errors import CommitteeError, FalseRandomnessError, LotteryError
from noderr.types.consensus import VoterSet
from noderr.types.eip712 import Domain
from noderr.types.signing.account_key import checksum_address

# Round 657413 of quicknet, as the documentation of drand-verify has it.
ROUND = 657413
DUE_S = 1_692_803_367 + (ROUND - 1) * 3
SIGNATURE = "b713718a38ae728dfd477991af2822e08d2f305e47718cef9f7848ce4050e7be41076862b98fad56e91a6b85b89cd97b"
DOMAIN = Domain("NodeOS", "1", 84532, b"\xaa" * 20)
WEI = 10**18


def pool(count: int) -> list[PoolMember]:
    return [
        PoolMember(checksum_address(number.to_bytes(20, "big")), str((125_000 + number) * WEI), 50 + number % 50)
        for number in range(1, count + 1)
    ]


def a_draw(**changes: object) -> EpochDraw:
    draw = EpochDraw(epoch=7, due_at_unix_s=DUE_S, signature=SIGNATURE, pool=pool(30))
    return msgspec.structs.replace(draw, **changes)


def voters(draw: EpochDraw) -> VoterSet:
    return VoterSet(3, 7, draw_epoch(draw, DOMAIN).weights)


def test_ten_are_drawn_and_none_has_a_third() -> None:
    drawn = draw_epoch(a_draw(), DOMAIN)
    assert len(drawn.leaders) == 10
    assert set(drawn.leaders) == set(drawn.weights)
    assert 3 * max(drawn.weights.values()) < sum(drawn.weights.values())


def test_anyone_draws_the_same_from_the_document() -> None:
    draw = a_draw()
    again = read_draw(msgspec.json.encode(draw))
    shuffled = msgspec.structs.replace(again, pool=again.pool[::-1])
    assert draw_epoch(shuffled, DOMAIN) == draw_epoch(draw, DOMAIN)
    assert check_draw(again, voters(draw), DOMAIN).leaders == draw_epoch(draw, DOMAIN).leaders


@pytest.mark.parametrize("changes", [{"epoch": 8}, {"pool": pool(29)}, {"target": 9}])
def test_another_draw_draws_others(changes: dict[str, object]) -> None:
    assert draw_epoch(a_draw(**changes), DOMAIN).leaders != draw_epoch(a_draw(), DOMAIN).leaders


def test_another_chain_draws_others() -> None:
    assert draw_epoch(a_draw(), Domain("NodeOS", "1", 1, b"\xaa" * 20)) != draw_epoch(a_draw(), DOMAIN)


def test_who_served_rests() -> None:
    served = [checksum_address(member) for member in draw_epoch(a_draw(), DOMAIN).leaders]
    next_draw = a_draw(epoch=8, history=[served])
    assert not set(draw_epoch(next_draw, DOMAIN).leaders) & set(draw_epoch(a_draw(), DOMAIN).leaders)


def test_voters_that_somebody_chose_are_refused() -> None:
    draw = a_draw()
    true = dict(draw_epoch(draw, DOMAIN).weights)
    chosen = {**dict(list(true.items())[1:]), b"\xee" * 20: 10**23}
    heavier = {voter: weight + (index == 0) for index, (voter, weight) in enumerate(true.items())}
    for weights in (chosen, heavier):
        with pytest.raises(CommitteeError, match="not those that the beacon draws"):
            check_draw(draw, VoterSet(3, 7, weights), DOMAIN)
    with pytest.raises(CommitteeError, match="of epoch 7, and the voters are of epoch 8"):
        check_draw(draw, VoterSet(3, 8, true), DOMAIN)


@pytest.mark.parametrize("changes", [{"due_at_unix_s": DUE_S + 3}, {"signature": SIGNATURE[:-2] + "7c"}])
def test_a_beacon_of_another_moment_is_refused(changes: dict[str, object]) -> None:
    with pytest.raises(FalseRandomnessError):
        draw_epoch(a_draw(**changes), DOMAIN)


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"pool": pool(6)}, LotteryError),
        ({"pool": [*pool(9), pool(1)[0]]}, CommitteeError),
        ({"pool": [PoolMember("0x12", "1", 1)]}, CommitteeError),
        ({"pool": [PoolMember(checksum_address(b"\1" * 20), "1.5", 1)]}, CommitteeError),
        ({"pool": [PoolMember(checksum_address(b"\1" * 20), "1", 101)]}, CommitteeError),
        ({"signature": "no hex"}, CommitteeError),
        ({"minimum": 2}, LotteryError),
    ],
)
def test_what_makes_no_sense_is_refused(changes: dict[str, object], error: type[Exception]) -> None:
    with pytest.raises(error):
        draw_epoch(a_draw(**changes), DOMAIN)


@pytest.mark.parametrize("content", [b"", b"[]", b'{"epoch": 1}', b'{"epoch": "x"}'])
def test_what_is_no_draw_is_refused(content: bytes) -> None:
    with pytest.raises(CommitteeError, match="cannot be read"):
        read_draw(content)


def test_the_command_draws(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "pool.json").write_bytes(msgspec.json.encode(pool(30)))
    options = ["--epoch", "7", "--due", str(DUE_S), "--chain-id", "84532", "--contract", "0x" + "aa" * 20]
    assert main(["--pool", str(tmp_path / "pool.json"), *options, "--signature", SIGNATURE]) == 0
    said = json.loads(capsys.readouterr().out)
    drawn = draw_epoch(read_draw(json.dumps(said["oracle_draw"]).encode()), DOMAIN)
    assert [one["account"] for one in said["drawn"]] == [checksum_address(member) for member in drawn.leaders]


def test_the_command_says_why_it_cannot_draw(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "pool.json").write_bytes(msgspec.json.encode(pool(6)))
    options = ["--epoch", "7", "--due", str(DUE_S), "--chain-id", "84532", "--contract", "0x" + "aa" * 20]
    assert main(["--pool", str(tmp_path / "pool.json"), *options, "--signature", SIGNATURE]) == 1
    assert "a committee has at least 7" in capsys.readouterr().err
