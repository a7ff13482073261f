"""Errors of reading a chain.

JsonRpcError
├── JsonRpcUrlError          no address that can be asked
├── JsonRpcUnreachableError  no answer, none in time, an HTTP refusal, or too much of an answer
├── JsonRpcAnswerError       an answer that is none to what was asked
├── JsonRpcRefusedError      the node answers with an error, such as a call that reverts
└── WrongChainError          the node is another chain's
"""

from __future__ import annotations

from noderr.core.errors import CoreError


class JsonRpcError(CoreError):
    """The node's answer cannot be used; its text names the node by host only, since addresses may hold a key."""


class JsonRpcUrlError(JsonRpcError, ValueError):
    """Write http:// or https://, and a host."""


class JsonRpcUnreachableError(JsonRpcError):
    """Ask again later, or another node."""


class JsonRpcAnswerError(JsonRpcError):
    """Not JSON-RPC 2.0, or a value that is none of the promised kind: ask another node."""


class JsonRpcRefusedError(JsonRpcError):
    """`code` as the node says; 3 is a call that reverts."""

    def __init__(self, message: str, code: int) -> None:
        self.code = code
        super().__init__(message)


class WrongChainError(JsonRpcError):
    """Nothing that this node says is about the chain that is meant: mend its address or the chain's id."""
