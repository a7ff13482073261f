"""Where to publish: read from the command line and the environment, with every problem told at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from publisher.errors import MissingCredentials, SettingsError

ACCESS_KEY_ID, SECRET_ACCESS_KEY = "R2_ACCESS_KEY_ID", "R2_SECRET_ACCESS_KEY"
ACCOUNT_ID, BUCKET_NAME = "R2_ACCOUNT_ID", "R2_BUCKET_NAME"
ENDPOINT = "NODEOS_S3_ENDPOINT"
DEFAULT_DIRECTORY = Path("dist/release")

_MEANING = {
    ACCESS_KEY_ID: "the access key of an R2 API token with 'Object Read & Write'",
    SECRET_ACCESS_KEY: "its secret",
    ACCOUNT_ID: "the Cloudflare account (32 hexadecimal digits), or give --endpoint",
    BUCKET_NAME: "the bucket; NodeOS releases are in noderr-node-packages",
}


@dataclass(frozen=True)
class Bucket:
    """An S3 bucket and the key to it. The secret is not in its representation."""

    endpoint: str
    name: str
    access_key_id: str
    secret_access_key: str

    def __repr__(self) -> str:
        return f"Bucket({self.endpoint!r}, {self.name!r}, {self.access_key_id!r})"


def destination(environment: Mapping[str, str], *, to: Path | None, endpoint: str | None) -> Path | Bucket:
    """The directory or the bucket to publish to.

    `to` wins; then any R2 variable or endpoint means a bucket; then `DEFAULT_DIRECTORY`. Raises `MissingCredentials`
    with every variable that is missing, `SettingsError` for an endpoint that is none.
    """
    if to is not None and endpoint is not None:
        raise SettingsError("--to DIR and --endpoint URL are two destinations: give one.")
    if to is not None:
        return to
    endpoint = endpoint or environment.get(ENDPOINT) or None
    needed = [name for name in _MEANING if name != ACCOUNT_ID or endpoint is None]
    given = {name: environment[name].strip() for name in _MEANING if environment.get(name, "").strip()}
    if not given and endpoint is None:
        return DEFAULT_DIRECTORY
    if missing := [name for name in needed if name not in given]:
        there = ", ".join(given) or ENDPOINT
        raise MissingCredentials(
            "\n".join(
                [
                    f"{there} is set, so this publishes to a bucket, and {len(missing)} more must be set:",
                    *(f"  - {name}: {_MEANING[name]}" for name in missing),
                    "Set them, or unset all of them (or say --to DIR) to publish to a directory.",
                ]
            )
        )
    endpoint = endpoint or f"https://{given[ACCOUNT_ID]}.r2.cloudflarestorage.com"
    if not endpoint.startswith(("https://", "http://")):
        raise SettingsError(f"The endpoint {endpoint!r} is no URL: write for example https://s3.example.net")
    return Bucket(endpoint, given[BUCKET_NAME], given[ACCESS_KEY_ID], given[SECRET_ACCESS_KEY])
