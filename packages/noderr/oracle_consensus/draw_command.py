"""Draws the oracles of an epoch, or draws them again to check: `./pants run …/draw_command.py -- --help`.

    draw_command.py --pool pool.json --epoch 7 --due 1790000000 --chain-id 84532 --contract 0x…

`pool.json` is a list of {"account", "stake_wei", "reputation"}. The drand signature is fetched from drand's mirrors, or
given with --signature. Prints the value of `oracle_draw` for the voters' file, and who was drawn with which weight.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections.abc import Sequence
from pathlib import Path

import httpx
import msgspec

from noderr.oracle_consensus.epoch_draw import EpochDraw, PoolMember, draw_epoch
from noderr.oracle_consensus.errors import OracleConsensusError
from noderr.oracle_consensus.randomness.drand import Drand
from noderr.oracle_consensus.randomness.drand_beacon import QUICKNET
from noderr.oracle_consensus.randomness.drand_mirror import PUBLIC_MIRRORS, HttpMirror
from noderr.oracle_consensus.randomness.public_randomness import RoundPlan
from noderr.types.eip712 import Domain
from noderr.types.errors import TypesError
from noderr.types.signing.account_key import checksum_address, parse_address


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; returns the exit code: 0 drawn, 1 it cannot be drawn, 2 wrong options."""
    options = _parse(arguments)
    try:
        signature = options.signature or asyncio.run(_fetch(options.due, options.mirror or PUBLIC_MIRRORS)).hex()
        draw = EpochDraw(
            epoch=options.epoch,
            due_at_unix_s=options.due,
            signature=signature,
            pool=msgspec.json.decode(options.pool.read_bytes(), type=list[PoolMember]),
            history=msgspec.json.decode(options.history.read_bytes(), type=list[list[str]]) if options.history else [],
        )
        drawn = draw_epoch(draw, Domain("NodeOS", "1", options.chain_id, parse_address(options.contract)))
    except (OracleConsensusError, TypesError, OSError, msgspec.DecodeError) as error:
        print(error, file=sys.stderr)
        return 1
    members = [{"account": checksum_address(member), "weight": str(drawn.weights[member])} for member in drawn.leaders]
    print(json.dumps({"oracle_draw": msgspec.to_builtins(draw), "drawn": members}, indent=2))
    return 0


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="draw", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pool", type=Path, required=True, help="file with all oracles that may be drawn")
    parser.add_argument("--history", type=Path, help="file with the committees before, the latest last")
    parser.add_argument("--epoch", type=int, required=True)
    parser.add_argument("--due", type=int, required=True, metavar="UNIX_S", help="the moment whose beacon draws")
    parser.add_argument("--chain-id", type=int, required=True)
    parser.add_argument("--contract", required=True, help="address of the verifying contract")
    parser.add_argument("--signature", help="of the drand round, in hexadecimal digits; else it is fetched")
    parser.add_argument("--mirror", action="append", help="where to fetch it; may be given again")
    return parser.parse_args(arguments)


async def _fetch(due: int, mirrors: Sequence[str]) -> bytes:
    async with httpx.AsyncClient() as http:
        plan = RoundPlan(first=due, step=1, rounds_per_epoch=1)
        drand = Drand(plan, [HttpMirror(http, url, QUICKNET.chain_hash) for url in mirrors])
        return (await drand.of(0, 0)).proof


if __name__ == "__main__":
    sys.exit(main())
