"""The compose file of a local network in containers: internal network, limits from the manifests, nothing writable."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from noderr.types import ImageManifest
from tests.network.plan import COORDINATOR, Member, NetworkPlan

HOST = "{name}.nodes"
"""Where members reach each other. Their plain names would lead over the network of the pages."""
PUBLISHED_AT = "127.0.0.1"
"""Where the pages are published."""
_PIDS = 256
_SECRETS = "/run/secrets"
_VOTERS = "/run/configs/voters.json"
# Ports of a network without a way out cannot be published. So the pages have a network from which no packet comes back
# from outside, and on which the containers do not see each other.
_PAGES = {"com.docker.network.bridge.enable_ip_masquerade": "false", "com.docker.network.bridge.enable_icc": "false"}


def compose_document(
    plan: NetworkPlan,
    manifests: Mapping[str, ImageManifest],
    images: Mapping[str, str],
    project: str,
    folder: Path,
    processors: int,
) -> dict[str, Any]:
    """The document for `docker compose`. `manifests` and `images` by kind; `folder` holds `voters.json`, and in
    `keys` the secret files.

    Nodes and coordinator talk on an internal network. Their HTTP ports are published on loopback, for a person.
    `processors` is what the engine has: it refuses a limit above that.
    """
    return {
        "name": project,
        "services": {
            member.name: _service(plan, member, manifests[member.kind], processors)
            | {"image": images[member.kind], "container_name": container_name(project, member)}
            for member in plan.members
        },
        "networks": {"nodes": {"internal": True}, "pages": {"driver_opts": _PAGES}},
        "volumes": {f"{member.name}-data": {} for member in plan.members},
        "configs": {"voters": {"file": str(folder / "voters.json")}},
        "secrets": {
            name: {"file": str(folder / "keys" / name)} for member in plan.members for name in _secrets(member).values()
        },
    }


def container_name(project: str, member: Member) -> str:
    """The name of a member's container."""
    return f"{project}-{member.name}"


def compose_text(document: dict[str, Any]) -> str:
    """The document as YAML."""
    return yaml.safe_dump(document, sort_keys=False, width=120)


def processor_limit(manifest: ImageManifest, processors: int) -> int:
    """How many processors a member may use on an engine that has so many."""
    return min(manifest.cpu_cores.max, processors)


def _secrets(member: Member) -> dict[str, str]:
    """The secret file of each setting that is one."""
    key = {"NODEOS_NODE_KEY_FILE": f"{member.name}.key"}
    return key if member.kind == COORDINATOR else key | {"NODEOS_ACCOUNT_KEY_FILE": f"{member.name}.account"}


def _service(plan: NetworkPlan, member: Member, manifest: ImageManifest, processors: int) -> dict[str, Any]:
    limits = {
        "cpus": str(processor_limit(manifest, processors)),
        "memory": f"{manifest.memory_gb.max * 10**9}b",
        "pids": _PIDS,
    }
    service: dict[str, Any] = {
        "hostname": member.name,
        "environment": {name: f"{_SECRETS}/{secret}" for name, secret in _secrets(member).items()}
        | plan.settings(member),
        "read_only": True,
        "user": "1001:1001",
        "cap_drop": ["ALL"],
        "security_opt": ["no-new-privileges:true"],
        "tmpfs": ["/tmp:size=16m,mode=1777"],
        "volumes": [f"{member.name}-data:/data"],
        "secrets": list(_secrets(member).values()),
        "networks": {"nodes": {"aliases": [HOST.format(name=member.name)]}, "pages": {}},
        "ports": [f"{PUBLISHED_AT}:{member.http_port}:{manifest.ports['http']}"],
        "restart": "unless-stopped",
        "stop_grace_period": "12s",
        "deploy": {"resources": {"limits": limits}},
        "logging": {"driver": "json-file", "options": {"max-size": "10m", "max-file": "3"}},
    }
    if member.kind != COORDINATOR:
        service["environment"]["NODEOS_VOTERS_FILE"] = _VOTERS
        service["configs"] = [{"source": "voters", "target": _VOTERS}]
        service["depends_on"] = {COORDINATOR: {"condition": "service_started"}}
    return service
