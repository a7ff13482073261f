"""`safety`: what only somebody on the node's machine may do. It works beside the running node, and without one.

The node sees what it writes within a second: both have the same log.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path

import msgspec

from noderr.core.account import load_account
from noderr.core.consensus.membership import read_membership
from noderr.core.data_dir import prepare_data_dir
from noderr.core.settings import NodeSettings
from noderr.core.settings_loader import load_settings, tier_defaults
from noderr.safety_control.controller import SafetyController
from noderr.safety_control.description import describe_safety
from noderr.safety_control.errors import PermitError, SafetyError
from noderr.safety_control.live_permit import LONGEST_S, LivePermit
from noderr.safety_control.permit_file import permits_from_text, permits_to_text
from noderr.safety_control.safety_log import Kind, SafetyLog
from noderr.safety_control.service import wish_of
from noderr.types import TierManifest
from noderr.types.consensus import Signed, VoterSet, sign
from noderr.types.eip712 import Domain
from noderr.types.signing.account_key import AccountKey
from noderr.types.tier_numbers import TIER_NUMBERS
from noderr.utils import Clock, SystemClock, UtilsError

_SECOND_NS = 1_000_000_000


def run_safety(
    arguments: Sequence[str], environ: Mapping[str, str], manifest: TierManifest, clock: Clock | None = None
) -> int:
    """Run one command and return the process's exit code: 0 done, 1 refused or failed, 2 a wrong command line.

    Raises `CoreError` for settings, a directory or a voters' file that cannot be used.
    """
    options = _parser().parse_args(arguments)
    try:
        settings = load_settings(environ, NodeSettings, tier_defaults(manifest))
        asyncio.run(_run(options, settings, manifest, clock or SystemClock()))
    except (SafetyError, UtilsError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="safety", description=(__doc__ or "").strip())
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    commands.add_parser("status", help="print what may be traded, and who changed it")
    for name, words in (
        ("halt", "approve nothing any more"),
        ("reduce", "approve only what makes positions smaller"),
        ("resume", "lift what was halted or reduced"),
        ("permit", f"sign, as a guardian, that the network may trade live; for at most {LONGEST_S} s"),
        ("renew", "take permits, one on each line of the standard input, as this node's lease"),
    ):
        added = commands.add_parser(name, help=words, description=words)
        added.add_argument("--person", required=True, help="who does this")
        added.add_argument("--reason", required=True, help="why")
        if name == "permit":
            added.add_argument("--from", dest="since", type=int, help="Unix time from which it holds (default: now)")
            added.add_argument("--seconds", type=int, default=LONGEST_S, help=f"how long (default: {LONGEST_S})")
    return parser


async def _run(options: argparse.Namespace, settings: NodeSettings, manifest: TierManifest, clock: Clock) -> None:
    folder = prepare_data_dir(settings.data_dir, manifest.tier)
    account = load_account(folder, settings.account())
    guardians = _guardians(settings.voters_file)
    log = SafetyLog(folder)
    try:
        wish = wish_of(account.address, settings.trading_mode, settings.live_account)
        controller = SafetyController(log, wish, lambda: guardians, clock)
        if options.command == "permit":
            print(await _permit(options, log, account, guardians, clock))
            return
        if options.command == "renew":
            permits = [permit for line in sys.stdin if line.strip() for permit in permits_from_text(line)]
            await controller.renew(permits, options.person, options.reason)
        elif options.command != "status":
            orders: Mapping[str, Callable[[str, str], Awaitable[object]]] = {
                "halt": controller.halt,
                "reduce": controller.reduce,
                "resume": controller.resume,
            }
            await orders[options.command](options.person, options.reason)
        standing = await controller.look()
        shown = msgspec.json.encode(describe_safety(standing, controller.recent))
        print(msgspec.json.format(shown).decode())
    finally:
        await log.close()


def _guardians(path: Path | None) -> tuple[VoterSet, Domain] | None:
    if path is None:
        return None
    membership = read_membership(path)
    voters = membership.voters(TIER_NUMBERS["guardian"])
    return None if voters is None else (voters, membership.domain)


async def _permit(
    options: argparse.Namespace,
    log: SafetyLog,
    account: AccountKey,
    guardians: tuple[VoterSet, Domain] | None,
    clock: Clock,
) -> str:
    if guardians is None or account.address not in guardians[0].weights:
        raise PermitError("this node's account is not among the guardians of NODEOS_VOTERS_FILE: it permits nothing")
    voters, domain = guardians
    now_s = clock.now_ns() // _SECOND_NS
    since = now_s if options.since is None else options.since
    try:
        permit = LivePermit(epoch=voters.epoch, issued_at_s=since, expires_at_s=since + options.seconds)
    except ValueError as error:
        raise PermitError(str(error)) from error
    signed: Signed[LivePermit] = sign(permit, account, domain)
    text = permits_to_text([signed])
    # It is in the log before anybody has it: what was permitted, and by whom, can be found out.
    await log.append(Kind.PERMIT, options.person, options.reason, clock.now_ns(), text)
    return text
