"""The compose file of a local network in containers: internal network, limits from the manifests, nothing writable."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from noderr.types import ImageManifest
from tests.network.plan import COORDINATOR, Member, NetworkPlan

_PIDS = 256
_SECRET = "/run/secrets/node.key"


def compose_document(
    plan: NetworkPlan, manifests: dict[str, ImageManifest], version: str, project: str, keys: Path
) -> dict[str, Any]:
    """The document for `docker compose`. `manifests` by kind; `keys` holds the secret files.

    Nodes and coordinator talk on a network without a way out. Their HTTP ports are published on loopback through a
    second network, so that a person can look at their pages.
    """
    return {
        "name": project,
        "services": {member.name: _service(plan, member, manifests[member.kind], version) for member in plan.members},
        "networks": {"nodes": {"internal": True}, "pages": {}},
        "volumes": {f"{member.name}-data": {} for member in plan.members},
        "secrets": {f"{member.name}.key": {"file": str(keys / f"{member.name}.key")} for member in plan.members},
    }


def compose_text(document: dict[str, Any]) -> str:
    """The document as YAML."""
    return yaml.safe_dump(document, sort_keys=False, width=120)


def _service(plan: NetworkPlan, member: Member, manifest: ImageManifest, version: str) -> dict[str, Any]:
    inner_http = manifest.ports["http"]
    environment = {"NODEOS_NODE_KEY_FILE": _SECRET, **plan.settings(member)}
    service: dict[str, Any] = {
        "image": f"noderr-{member.kind}:{version}",
        "hostname": member.name,
        "environment": environment,
        "read_only": True,
        "user": "1001:1001",
        "cap_drop": ["ALL"],
        "security_opt": ["no-new-privileges:true"],
        "tmpfs": ["/tmp:size=16m,mode=1777"],
        "volumes": [f"{member.name}-data:/data"],
        "secrets": [{"source": f"{member.name}.key", "target": "node.key"}],
        "networks": ["nodes", "pages"],
        "ports": [f"127.0.0.1:{member.http_port}:{inner_http}"],
        "restart": "unless-stopped",
        "stop_grace_period": "12s",
        "deploy": {
            "resources": {
                "limits": {"cpus": str(manifest.cpu_cores.max), "memory": f"{manifest.memory_gb.max}g", "pids": _PIDS}
            }
        },
        "logging": {"driver": "json-file", "options": {"max-size": "10m", "max-file": "3"}},
    }
    if member.kind != COORDINATOR:
        service["depends_on"] = {COORDINATOR: {"condition": "service_healthy"}}
    return service
