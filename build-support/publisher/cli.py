"""The command line: checks every archive, then publishes release by release."""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console

from publisher import reader, report, settings
from publisher.archive import load_archive
from publisher.directory_store import DirectoryStore
from publisher.errors import NotReproducible, PublisherError, SettingsError
from publisher.image import read_image
from publisher.pointer import Policy
from publisher.publish import Publisher
from publisher.release import Build, Release, releases
from publisher.s3_requests import Requests, connect
from publisher.s3_store import S3Store
from publisher.store import Store
from publisher.ui import Ui, ui_for

_EPILOG = f"""\
environment:
  {settings.ACCESS_KEY_ID}, {settings.SECRET_ACCESS_KEY}, {settings.ACCOUNT_ID}, {settings.BUCKET_NAME}
                        a Cloudflare R2 bucket (NodeOS releases: noderr-node-packages); all four or none.
                        With none of them the destination is {settings.DEFAULT_DIRECTORY}.
  {settings.ENDPOINT}    as --endpoint

exit codes:
  0  published, or there already; `latest` may have stayed, the last lines say why
  2  the command line or the environment is wrong
  3  an archive is damaged, or the archives are no one release; nothing was written
  4  the version is published with other bytes
  5  the destination refuses: credentials, bucket, disk, damaged object
  6  the network or another publisher was in the way: the same command again goes on from there
  130  interrupted; the same command again goes on from there
"""


def parser() -> argparse.ArgumentParser:
    """The options."""
    found = argparse.ArgumentParser(
        prog="publisher",
        description="Publish archives of nodes, each with its .sha256 and .json beside it, and make them the latest.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    found.add_argument(
        "archives", nargs="*", type=Path, metavar="ARCHIVE.tar.gz", help="<tier>-<version>[-arm64].tar.gz"
    )
    found.add_argument("--to", type=Path, metavar="DIR", help="publish to a directory, whatever the environment says")
    found.add_argument("--endpoint", metavar="URL", help="another S3 store than R2")
    found.add_argument("--dry-run", action="store_true", help="say every step, write nothing")
    found.add_argument("--json", type=Path, metavar="FILE", help="write a report of the run")
    found.add_argument("--allow-rollback", action="store_true", help="let an older version become the latest")
    found.add_argument(
        "--allow-missing-architecture",
        action="store_true",
        help="let a version become the latest that lacks an architecture of the present one",
    )
    found.add_argument(
        "--verify", nargs="+", metavar="TIER", help="publish nothing: read all that latest.json leads to"
    )
    return found


def main(arguments: Sequence[str] | None = None, environment: Mapping[str, str] = os.environ) -> int:
    """The exit code; errors go to standard error."""
    options = parser().parse_args(arguments)
    ui = ui_for(Console())
    try:
        if bool(options.archives) == bool(options.verify):
            raise SettingsError("Give archives to publish, or --verify TIER to check what is published.")
        store = _open(settings.destination(environment, to=options.to, endpoint=options.endpoint))
        if options.verify:
            _verify(store, ui, options.verify)
        else:
            _publish(store, ui, options)
    except PublisherError as error:
        print("\n".join([f"publisher: {error}", *getattr(error, "__notes__", [])]), file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("publisher: interrupted. Nothing is broken: the same command goes on from here.", file=sys.stderr)
        return 130
    return 0


def _open(destination: Path | settings.Bucket) -> Store:
    if isinstance(destination, Path):
        return DirectoryStore(destination)
    client = connect(destination.endpoint, destination.access_key_id, destination.secret_access_key)
    return S3Store(Requests(client, destination.name))


def _publish(store: Store, ui: Ui, options: argparse.Namespace) -> None:
    publisher = Publisher(store, ui, Policy(options.allow_rollback, options.allow_missing_architecture))
    with tempfile.TemporaryDirectory(prefix="noderr-publish-") as work:
        found = _load(options.archives, Path(work), ui, for_everyone=isinstance(store, S3Store) and not options.dry_run)
        ui.say(f"{'would publish' if options.dry_run else 'publishing'} to {store.place}")
        outcomes = []
        for release in found:
            outcome = publisher.rehearse(release) if options.dry_run else publisher.publish(release)
            outcomes.append(outcome)
            if options.dry_run:
                for step in outcome.steps:
                    ui.say(f"would {step.action} {step.want.key} ({step.want.size:,} bytes) and read it back")
    for outcome in outcomes:
        ui.say(report.as_line(outcome, dry_run=options.dry_run))
    if options.json:
        _write_report(options.json, report.as_json(store.place, outcomes, dry_run=options.dry_run))


def _write_report(path: Path, document: dict[str, Any]) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    except OSError as error:
        raise SettingsError(f"Everything is done, only the report was not written: --json {path}: {error}") from error


def _load(paths: Sequence[Path], work: Path, ui: Ui, *, for_everyone: bool) -> list[Release]:
    """Check everything before anything is written. What is published for everyone, anyone can build again."""
    builds = []
    for path in paths:
        archive = load_archive(path)
        with ui.bar(f"checking {path.name}", archive.metadata.archive.tar_size) as progress:
            builds.append(Build(archive, read_image(archive, work, progress)))
        ui.say(f"{path.name} is whole: sha256 {archive.archive.sha256}")
        if archive.metadata.revision.endswith(("-dirty", "unknown")):
            why = f"{path.name} was built from {archive.metadata.revision!r}: nobody else can build it again"
            if for_everyone:
                raise NotReproducible(f"{why}. Commit everything, build again in that checkout, and publish that.")
            ui.say(f"note: {why}")
    return releases(builds)


def _verify(store: Store, ui: Ui, tiers: Sequence[str]) -> None:
    for tier in tiers:
        found = reader.verify_latest(store, tier)
        if found is None:
            raise SettingsError(
                f"{tier}: there is no latest.json in {store.place}. Publish it first, or check the name."
            )
        ui.say(f"{tier} {found.pointer.version} (sequence {found.pointer.sequence}): {found.objects} objects are whole")
