"""A small guardian and a small coordinator: a base, two distributions, a little code, and the layers made of them."""

from __future__ import annotations

import base64
import hashlib
import json
import py_compile
import shutil
import tempfile
from copy import replace
from dataclasses import dataclass
from pathlib import Path

import pytest

from canonical import Entry, read_tar, with_parents, write_tar
from node_image.dependencies import make_dependencies
from node_image.description import LAYER_NAMES
from node_image.facts import ImageFacts
from node_image.layers import Inputs, make_layers
from node_image.release import Release

MANIFEST = """\
tier = "guardian"
number = 2
responsibility = "Risk & Compliance"
packages = ["guardian-consensus", "risk-engine", "telemetry", "core", "types", "utils"]

[ports]
http = 3003
grpc = 50053

[stake]
stake_nodr = 25_000
airdrop_nodr = 25_000

[resources]
cpu_cores = { min = 2, max = 2 }
memory_gb = { min = 2, max = 4 }
storage_gb = 10
"""
SERVICE_MANIFEST = """\
service = "coordinator"
responsibility = "Registry & rollout"
packages = ["coordinator", "telemetry", "core", "types", "utils"]

[ports]
http = 3000
nodes = 3010

[resources]
cpu_cores = { min = 1, max = 2 }
memory_gb = { min = 1, max = 2 }
storage_gb = 10
"""
BASE = [
    Entry("data", "dir", 0o750, 1001, 1001),
    Entry("etc/passwd", "file", 0o644, content=b"nodejs:x:1001:1001::/data:/usr/sbin/nologin\n"),
    Entry("tmp", "dir", 0o1777),
    Entry("usr/bin/python3.13", "file", 0o755, content=b"not a real interpreter"),
]
SOURCES = {
    "VERSION": "1.2.3\n",
    "noderr/core/__init__.py": "import shared_library\nfrom noderr.types import TIER\n",
    "noderr/types/__init__.py": "TIER = 'guardian'\n",
    "noderr/types/tier_test.py": "raise AssertionError('a test is not shipped')\n",
    "noderr/risk_engine/__init__.py": "import tier_library\n",
    "tiers/guardian/node.py": "import noderr.core, noderr.risk_engine\n\n\ndef main():\n    return 0\n",
}
SERVICE_SOURCES = {
    **{path: text for path, text in SOURCES.items() if path.startswith(("VERSION", "noderr/core", "noderr/types"))},
    "noderr/coordinator/__init__.py": "import tier_library\n",
    "noderr/coordinator/__main__.py": "import noderr.coordinator, noderr.core\n\n\ndef main():\n    return 0\n",
    "noderr/coordinator/migrations/env.py": "raise RuntimeError('Alembic runs this; nobody imports it')\n",
    "noderr/coordinator/migrations/versions/0001_first.py": "revision = '0001'\n",
    "noderr/coordinator/page.html": "<p>\n",
    "noderr/coordinator/service.toml": SERVICE_MANIFEST,
}
RELEASE = Release("1.2.3", "0123abc", 1_760_000_000)
TOOLS = {"pants": "2.17.1", "pex": "2.105"}


@dataclass(frozen=True)
class Workshop:
    """Where the inputs of a small image lie; tests change them before they make layers."""

    folder: Path
    inputs: Inputs

    @property
    def shared(self) -> Path:
        """The flat installation of what every image needs."""
        return self.folder / "shared"

    @property
    def everything(self) -> Path:
        """The flat installation of what this image needs."""
        return self.folder / "all"

    def add_distribution(self, tree: Path, name: str, version: str, files: dict[str, str]) -> None:
        """Install a distribution into a flat tree, as an installer would, with its RECORD."""
        info = f"{name}-{version}.dist-info"
        every = {
            **files,
            f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
            f"{info}/INSTALLER": "whatever\n",
        }
        record = "".join(f"{path},sha256={_record_hash(text)},{len(text)}\n" for path, text in every.items())
        write_files(tree, {**every, f"{info}/RECORD": f"{record}{info}/RECORD,,\n"})

    def write_base(self, entries: list[Entry]) -> None:
        """Replace the base."""
        with self.inputs.base.open("wb") as handle:
            write_tar(with_parents(entries), handle)

    def make(self, name: str = "out") -> tuple[Path, ImageFacts]:
        """Make the layers into a folder of that name."""
        out = self.folder / name
        with tempfile.TemporaryDirectory(dir=self.folder) as folder:
            work = Path(folder)
            make_dependencies(self.shared, self.everything, self.inputs.dependencies, work / "one", compile_here)
            return out, make_layers(self.inputs, out, work / "two", compile_here)


def write_files(root: Path, files: dict[str, str]) -> None:
    """Write files and the folders they need."""
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)


def unpack(layers: Path, root: Path) -> None:
    """Lay out the file system that the tars in `layers` make, with their modes."""
    for name in LAYER_NAMES:
        with (layers / f"{name}.tar").open("rb") as handle:
            for entry in read_tar(handle):
                path = root / entry.path
                path.parent.mkdir(parents=True, exist_ok=True)
                if entry.kind == "dir":
                    path.mkdir(exist_ok=True)
                else:
                    path.write_bytes(entry.read())
                path.chmod(entry.mode)


def compile_here(tree: Path, prefix: str) -> None:
    """Compile with the Python that runs the tests; images are compiled by the base's own."""
    for source in sorted(tree.rglob("*.py")):
        py_compile.compile(
            str(source),
            dfile=f"{prefix}/{source.relative_to(tree)}",
            doraise=True,
            invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
        )


def make_service_workshop(folder: Path) -> Workshop:
    """Lay out the inputs of a coordinator below `folder`."""
    guardian = make_workshop(folder)
    shop = changed(
        guardian,
        manifest=folder / "service.toml",
        existing=("core", "types", "coordinator", "risk-engine"),
        entry_point="noderr.coordinator.__main__:main",
    )
    shop.inputs.manifest.write_text(SERVICE_MANIFEST)
    shutil.rmtree(shop.inputs.sources)
    write_files(shop.inputs.sources, SERVICE_SOURCES)
    return shop


def make_workshop(folder: Path) -> Workshop:
    """Lay out the inputs of a guardian below `folder`."""
    inputs = Inputs(
        manifest=folder / "tier.toml",
        base=folder / "rootfs.tar",
        base_facts=folder / "facts.json",
        manifests=(),
        dependencies=folder / "dependencies",
        sources=folder / "sources",
        existing=("core", "types", "risk-engine"),
        entry_point="tiers.guardian.node:main",
        architecture="amd64",
    )
    shop = Workshop(folder, inputs)
    folder.mkdir(parents=True, exist_ok=True)
    inputs.manifest.write_text(MANIFEST)
    facts = {
        "architecture": "amd64",
        "lock_sha256": "0" * 64,
        "packages": {"libc6": "2.41-12"},
        "python_version": "3.13.5",
        "suite": "trixie",
    }
    inputs.base_facts.write_text(json.dumps(facts))
    shop.write_base(BASE)
    for tree in (shop.shared, shop.everything):
        shop.add_distribution(tree, "Shared.Library", "1.0", {"shared_library/__init__.py": "VALUE = 1\n"})
    shop.add_distribution(shop.everything, "tier_library", "2.0", {"tier_library.py": "VALUE = 2\n"})
    write_files(inputs.sources, SOURCES)
    return shop


def changed(shop: Workshop, **fields: object) -> Workshop:
    """The same workshop with other inputs."""
    return replace(shop, inputs=replace(shop.inputs, **fields))  # type: ignore[arg-type]


def _record_hash(text: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()


@pytest.fixture
def shop(tmp_path: Path) -> Workshop:
    """A workshop of its own for every test."""
    return make_workshop(tmp_path / "shop")


@pytest.fixture
def service_shop(tmp_path: Path) -> Workshop:
    """The workshop of a coordinator."""
    return make_service_workshop(tmp_path / "service-shop")
