"""A committed artefact: bytecode, and how its functions' arguments, results, errors and events are written."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from eth_abi.abi import decode, encode

from contracts.toolchain import FOLDER
from noderr.types.keccak import keccak256

_SELECTOR_BYTES = 4


@dataclass(frozen=True, slots=True)
class Item:
    """A function, an error or an event of a contract."""

    name: str
    inputs: Sequence[str]
    outputs: Sequence[str]
    indexed: Sequence[bool]
    reads_only: bool

    @property
    def signature_hash(self) -> bytes:
        """32 bytes: a function's or an error's selector is their beginning, an event's first topic all of them."""
        return keccak256(f"{self.name}({','.join(self.inputs)})".encode())


@dataclass(frozen=True, slots=True)
class Artifact:
    """What `contracts/artifacts/<name>.json` holds."""

    name: str
    bytecode: bytes
    sources: Mapping[str, str]
    constructor: Sequence[str]
    functions: Mapping[str, Item]
    errors: Mapping[bytes, Item]
    """By selector."""
    events: Mapping[bytes, Item]
    """By first topic."""

    def creation(self, *arguments: Any) -> bytes:
        """The code that deploys it."""
        return self.bytecode + encode(self.constructor, arguments)

    def call(self, function: str, *arguments: Any) -> bytes:
        """The data of a call."""
        item = self.functions[function]
        return item.signature_hash[:_SELECTOR_BYTES] + encode(item.inputs, arguments)

    def result(self, function: str, output: bytes) -> tuple[Any, ...]:
        """What a call returned."""
        return decode(self.functions[function].outputs, output)


def decode_error(errors: Mapping[bytes, Item], output: bytes) -> tuple[str, tuple[Any, ...]]:
    """Name and arguments of the error that a call reverted with; raises `KeyError` for none of these."""
    item = errors[output[:_SELECTOR_BYTES]]
    return item.name, decode(item.inputs, output[_SELECTOR_BYTES:])


@cache
def load_artifact(name: str) -> Artifact:
    """`name` as in `compiler.CONTRACTS`."""
    held = json.loads((FOLDER / "artifacts" / f"{name}.json").read_text(encoding="utf-8"))
    items = {kind: [_item(one) for one in held["abi"] if one["type"] == kind] for kind in _KINDS}
    [constructor] = items["constructor"]
    return Artifact(
        name=held["contract"],
        bytecode=bytes.fromhex(held["bytecode"].removeprefix("0x")),
        sources=held["sources"],
        constructor=constructor.inputs,
        functions={item.name: item for item in items["function"]},
        errors={item.signature_hash[:_SELECTOR_BYTES]: item for item in items["error"]},
        events={item.signature_hash: item for item in items["event"]},
    )


_KINDS = ("constructor", "function", "error", "event")


def _item(entry: Mapping[str, Any]) -> Item:
    inputs, outputs = entry.get("inputs", []), entry.get("outputs", [])
    return Item(
        name=entry.get("name", ""),
        inputs=[_type(one) for one in inputs],
        outputs=[_type(one) for one in outputs],
        indexed=[one.get("indexed", False) for one in inputs],
        reads_only=entry.get("stateMutability") in ("view", "pure"),
    )


def _type(entry: Mapping[str, Any]) -> str:
    """The type as signatures have it: tuples written out."""
    kind: str = entry["type"]
    if not kind.startswith("tuple"):
        return kind
    return f"({','.join(_type(part) for part in entry['components'])}){kind.removeprefix('tuple')}"
