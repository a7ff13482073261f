"""Renders the Dockerfile beside a manifest from it.

`python -m node_image.dockerfile tiers/*/tier.toml packages/noderr/*/service.toml` writes them; with `--check` it writes
nothing and exits with 1 and a diff when one is stale.
"""

from __future__ import annotations

import argparse
import difflib
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from node_image.description import APP, PYTHON, ImageDescription, describe
from node_image.manifests import load_manifest_file
from node_image.release import CREATED_LABEL, REVISION_LABEL, VERSION_LABEL
from noderr.types import ImageManifest

_TEMPLATE = """\
# Generated from {file_name} by build-support/node_image/dockerfile.py; edit those. README.md there has the picture.
# The layers are made before Docker starts: no step here needs a network, a shell or a package manager.
ARG LAYERS={layers}

FROM scratch AS rootfs
ARG LAYERS
ADD ${{LAYERS}}/base.tar /
ADD ${{LAYERS}}/shared.tar /
ADD ${{LAYERS}}/own.tar /

# Imports every module and compares the files with the inventory. The {noun}'s code comes from this stage, so the
# image cannot be built around a failed audit.
FROM rootfs AS audit
ARG LAYERS
ADD ${{LAYERS}}/source.tar /
COPY build-support/node_image/audit.py /audit.py
RUN {audit}

FROM rootfs
COPY --from=audit {app} {app}
{environment}
USER {user}
EXPOSE {ports}
VOLUME {volume}
STOPSIGNAL {stop_signal}
HEALTHCHECK --interval={health.interval_seconds}s --timeout={health.timeout_seconds}s \
--start-period={health.start_period_seconds}s --retries={health.retries} \\
  CMD {health_command}
ENTRYPOINT {entrypoint}
CMD {command}
# Last, because they change with every commit.
ARG NODEOS_VERSION
ARG NODEOS_COMMIT
ARG NODEOS_CREATED
LABEL {labels}
"""

_RELEASE_LABELS = {
    VERSION_LABEL: "${NODEOS_VERSION}",
    REVISION_LABEL: "${NODEOS_COMMIT}",
    CREATED_LABEL: "${NODEOS_CREATED}",
}


def render(manifest: ImageManifest) -> str:
    """The text of the Dockerfile that stands beside a manifest."""
    description = describe(manifest)
    return _TEMPLATE.format(
        file_name=manifest.file_name,
        layers=f"{manifest.repository_folder.replace('/', '.')}/layers",
        noun=manifest.noun,
        audit=_exec((PYTHON, "-I", "-B", "/audit.py")),
        app=APP,
        environment="\n".join(f"ENV {name}={value}" for name, value in description.environment.items()),
        user=description.user,
        ports=" ".join(str(port) for port in description.ports),
        volume=_exec((description.volume,)),
        stop_signal=description.stop_signal,
        health=description.health_check,
        health_command=_exec(description.health_check.command),
        entrypoint=_exec(description.entrypoint),
        command=_exec(description.command),
        labels=_labels(description),
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; returns the exit code."""
    parser = argparse.ArgumentParser(prog="node_image.dockerfile", description=__doc__)
    parser.add_argument("manifests", nargs="+", type=Path, metavar="MANIFEST", help="tier.toml or service.toml")
    parser.add_argument("--check", action="store_true", help="write nothing; exit with 1 when a Dockerfile is stale")
    options = parser.parse_args(arguments)
    stale = False
    for source in options.manifests:
        target, wanted = source.with_name("Dockerfile"), render(load_manifest_file(source))
        found = target.read_text(encoding="utf-8") if target.exists() else ""
        if found == wanted:
            continue
        stale = True
        if options.check:
            lines = (found.splitlines(keepends=True), wanted.splitlines(keepends=True))
            sys.stdout.writelines(difflib.unified_diff(*lines, fromfile=str(target), tofile=f"{target} from {source}"))
        else:
            target.write_text(wanted, encoding="utf-8")
            print(f"wrote {target}")
    return 1 if stale and options.check else 0


def _exec(command: Sequence[str]) -> str:
    return json.dumps(list(command))


def _labels(description: ImageDescription) -> str:
    fixed = [f"{name}={_quote(value)}" for name, value in description.labels.items()]
    return " \\\n  ".join([*fixed, *(f'{name}="{value}"' for name, value in _RELEASE_LABELS.items())])


def _quote(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("$", "\\$")
    return f'"{escaped}"'


if __name__ == "__main__":
    sys.exit(main())
