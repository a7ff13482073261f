"""Errors of the publisher. Each names what is wrong and what to do; `exit_code` is what the command ends with.

PublisherError
├── SettingsError                exit 2   the command line or the environment asks for something impossible
│   └── MissingCredentials                some R2_* variables are set and others are not
├── ArchiveError                 exit 3   nothing was written
│   ├── ArchiveCorrupt                    the archive is not what its .sha256 or its .json says
│   ├── ArchivesDisagree                  archives of one version come from different commits, or one is given twice
│   └── NotReproducible                   built from no commit, and meant for a bucket
├── VersionAlreadyPublished      exit 4   the version is there with other bytes
├── DestinationError             exit 5   the destination refuses
│   ├── WrongCredentials                  unknown access key, or a signature made with another secret
│   ├── NoSuchBucket                      the bucket does not exist
│   ├── BucketRefused                     good credentials that may not use this bucket
│   ├── DiskFull                          no space left for an object
│   ├── ObjectDamaged                     an object that is there is not what it must be
│   └── StoreRefused                      any other refusal, with what the store said
├── TryAgain                     exit 6   a second run continues where this one ended
│   ├── NetworkLost                       the store stopped answering
│   └── CompetingPublisher                another publisher kept moving `latest`
└── PreconditionFailed                    a conditional write came second; the publisher looks again, no user sees it
"""

from __future__ import annotations


class PublisherError(Exception):
    """Any error of this package."""

    exit_code = 1


class SettingsError(PublisherError):
    """The command line or the environment asks for something impossible."""

    exit_code = 2


class MissingCredentials(SettingsError):
    """Some of the R2 variables are set and others are not; the message names every missing one."""


class ArchiveError(PublisherError):
    """What was given to publish is not fit for it."""

    exit_code = 3


class ArchiveCorrupt(ArchiveError):
    """An archive is not what its checksum file or its metadata says."""


class ArchivesDisagree(ArchiveError):
    """Archives that cannot be one release."""


class NotReproducible(ArchiveError):
    """A build of uncommitted files is fine in a directory of one's own, and no release."""


class VersionAlreadyPublished(PublisherError):
    """A versioned key holds other bytes. A published version never changes."""

    exit_code = 4

    def __init__(self, key: str, ours_sha256: str, theirs_sha256: str) -> None:
        self.key, self.ours_sha256, self.theirs_sha256 = key, ours_sha256, theirs_sha256
        super().__init__(
            f"{key} is published with other bytes.\n"
            f"  published sha256 {theirs_sha256}\n"
            f"  this build's     {ours_sha256}\n"
            "A published version never changes: bump VERSION, build and publish again."
        )


class DestinationError(PublisherError):
    """The destination does not take what is written to it."""

    exit_code = 5


class WrongCredentials(DestinationError):
    """The store does not accept the access key or the signature."""


class NoSuchBucket(DestinationError):
    """The bucket does not exist."""


class BucketRefused(DestinationError):
    """The credentials are good, but not for this bucket."""


class DiskFull(DestinationError):
    """The file system has no room for an object; no part of it is left behind."""


class ObjectDamaged(DestinationError):
    """An object that must be there is not, or its bytes are not what they must be."""


class StoreRefused(DestinationError):
    """Any other refusal; the message ends with what the store said."""


class TryAgain(PublisherError):
    """The run ended early and harmed nothing: `latest` is as it was or fully moved."""

    exit_code = 6


class NetworkLost(TryAgain):
    """The store stopped answering, and went on not answering."""


class CompetingPublisher(TryAgain):
    """Another publisher changed the destination at every attempt."""


class PreconditionFailed(PublisherError):
    """A conditional write found another object than it expected."""
