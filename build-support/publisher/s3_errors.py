"""What S3 and R2 say when they refuse, in words that name the setting to mend."""

from __future__ import annotations

from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError, IncompleteReadError
from botocore.exceptions import ConnectionError as BotoConnectionError

from publisher.errors import (
    BucketRefused,
    NetworkLost,
    NoSuchBucket,
    PreconditionFailed,
    PublisherError,
    StoreRefused,
    WrongCredentials,
)

_TRANSIENT_CODES = {
    "BadDigest",  # the bytes changed on the way
    "ConditionalRequestConflict",
    "InternalError",
    "OperationAborted",
    "RequestTimeout",
    "SlowDown",
    "TooManyRequests",
}
_UNKNOWN_KEY_CODES = {"InvalidAccessKeyId", "Unauthorized", "401"}


def status_of(error: ClientError) -> int:
    """The HTTP status of a refusal, 0 when there was none."""
    return error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)


def code_of(error: ClientError) -> str:
    """The store's own word for the refusal; for an answer without a body it is the HTTP status."""
    return error.response.get("Error", {}).get("Code", "")


def is_transient(error: Exception) -> bool:
    """True for what a later attempt may mend."""
    if isinstance(error, ClientError):
        # 501 is what R2 says to headers that it does not know: it will say so again.
        status = status_of(error)
        return code_of(error) in _TRANSIENT_CODES or status == 429 or (status >= 500 and status != 501)
    return isinstance(error, BotoConnectionError | HTTPClientError | IncompleteReadError)


def translate(error: Exception, *, bucket: str, endpoint: str, key: str) -> PublisherError:
    """The publisher's error for boto's."""
    if isinstance(error, ClientError):
        return _refusal(error, bucket, endpoint, key)
    if is_transient(error):
        return NetworkLost(
            f"The connection to {endpoint} was lost at {key}: {error}\n"
            "Nothing points at what is not whole. Check the network and the endpoint (R2_ACCOUNT_ID or --endpoint), "
            "then run the same command again: it goes on where this run ended."
        )
    if isinstance(error, BotoCoreError):
        return StoreRefused(f"{endpoint} cannot be asked for {key}: {error}. Check R2_ACCOUNT_ID or --endpoint.")
    raise error


def _refusal(error: ClientError, bucket: str, endpoint: str, key: str) -> PublisherError:
    # Ceph's gateway sends codes without messages, and boto3 then says None.
    code, said = code_of(error), error.response.get("Error", {}).get("Message") or ""
    reason = f"{code}: {said}" if said else code
    if status_of(error) == 412:
        return PreconditionFailed(f"{key} is not what it was")
    if code == "NoSuchBucket":
        return NoSuchBucket(f"{endpoint} has no bucket {bucket!r}: check R2_BUCKET_NAME, or make the bucket first.")
    if code in ("AccessDenied", "Forbidden", "403"):
        return BucketRefused(
            f"The credentials may not use bucket {bucket!r} ({key}): they are for another bucket, or lack write "
            "access. Check R2_BUCKET_NAME, or give the token 'Object Read & Write' on this bucket."
        )
    if is_transient(error):
        return NetworkLost(f"{endpoint} went on refusing {key} ({reason}). Nothing is half done: run it again later.")
    return _credentials(endpoint, code, said) or StoreRefused(
        f"{endpoint} refused {key} in bucket {bucket!r}: {reason}"
    )


def _credentials(endpoint: str, code: str, said: str) -> WrongCredentials | None:
    if code == "SignatureDoesNotMatch":
        return WrongCredentials(
            f"{endpoint} knows the access key but not the signature: R2_SECRET_ACCESS_KEY belongs to another key. Set "
            "the secret that was shown when this access key was made."
        )
    # R2 checks the form of an access key first, and calls a bad one an invalid argument.
    if code in _UNKNOWN_KEY_CODES or (code == "InvalidArgument" and "access key" in said.lower()):
        return WrongCredentials(
            f"{endpoint} does not know the access key ({code}): check R2_ACCESS_KEY_ID, and that R2_ACCOUNT_ID or "
            "--endpoint is the account that it belongs to."
        )
    return None
