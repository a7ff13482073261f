"""Errors of the launcher. Each says what is wrong and what to do.

LauncherError
├── UnsupportedMachine     operating system or processor that NodeOS is not built on
├── MissingInterpreter     a Python that could be neither found nor installed
├── PackageIndexError      a download or a resolve that the package index did not answer
├── StaleLock              a lock older than its list, or edited by hand
└── BadVersion             VERSION is no semantic version
"""

from __future__ import annotations


class LauncherError(Exception):
    """Any error that ends `./pants` before Pants starts."""


class UnsupportedMachine(LauncherError):
    """NodeOS images are Linux images, built by running their own Python."""


class MissingInterpreter(LauncherError):
    """A Python of the wanted version is not to be had."""


class PackageIndexError(LauncherError):
    """The package index did not give what was asked for; the message ends with what it said."""


class StaleLock(LauncherError):
    """A committed lock does not say what its list says."""


class BadVersion(LauncherError):
    """The VERSION file holds something else than MAJOR.MINOR.PATCH."""
