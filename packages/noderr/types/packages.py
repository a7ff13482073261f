"""The names of NodeOS's packages: the vocabulary that catches a misspelling. Who has which, the manifests say."""

from __future__ import annotations

SHARED_PACKAGES = frozenset({"telemetry", "core", "types", "utils"})
"""Packages that every tier and every service carries. They import nobody's own packages."""

KNOWN_PACKAGES = SHARED_PACKAGES | {
    "oracle-consensus",
    "alpha-edge",
    "alpha-exploitation",
    "market-intel",
    "quant-research",
    "ml",
    "ml-client",
    "capital-ai",
    "backtesting",
    "guardian-consensus",
    "risk-engine",
    "compliance",
    "safety-control",
    "human-oversight",
    "attestation-hardening",
    "attestation-mvs",
    "validator-consensus",
    "execution",
    "floor-engine",
    "exchanges",
    "data-connectors",
    "market-data",
    "on-chain-service",
    "on-chain-settlement",
    "network-optimizer",
}
"""Every package that a tier's manifest may name."""

OPERATOR_SERVICES = ("coordinator", "auto-mint", "delivery", "mail", "auth")
"""The services of the network operator. Each is a package of the same name, and no tier may name it."""
