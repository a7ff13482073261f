"""Errors of `contracts`.

ContractsError
├── ToolchainMissing    no Node.js, or not the packages that npm.lock names
└── CompileError        the compiler refused; its words
"""

from __future__ import annotations


class ContractsError(Exception):
    """Whatever goes wrong between the Solidity and its artefacts."""


class ToolchainMissing(ContractsError):
    """What compiles is not on this machine; the message says what to run."""


class CompileError(ContractsError):
    """The compiler's errors and warnings, as it words them."""
