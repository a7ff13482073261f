"""Checks of the machine: the data directory and its disk, the key, the ports, processors, memory, file descriptors."""

from __future__ import annotations

import os
import resource
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from pathlib import Path

from noderr.core.data_claim import check_owner, holder
from noderr.core.data_dir import prepare_data_dir
from noderr.core.errors import BindError, DataDirError, KeyFileError
from noderr.core.identity import KEY_FILE, NodeIdentity, load_identity
from noderr.core.ports import bind_tcp
from noderr.core.preflight.result import CheckResult, Outcome
from noderr.core.settings import NodeSettings
from noderr.types import TierManifest

_MB = 1_000_000
_GB = 1_000_000_000
_GIB = 2**30
_LEAST_FREE_SHARE = 0.1
_LEAST_DESCRIPTORS = 4096
_CGROUP = Path("/sys/fs/cgroup")


def check_data_dir(settings: NodeSettings, manifest: TierManifest) -> tuple[CheckResult, Path | None]:
    """The directory, once it can be used: writable, this tier's, of a format that this build knows, held by nobody."""
    name = "data directory"
    try:
        data_dir = prepare_data_dir(settings.data_dir, manifest.tier)
        check_owner(data_dir, manifest.tier)
    except DataDirError as error:
        return CheckResult(name, Outcome.FAILED, str(error), "see above; then check again"), None
    if held := holder(data_dir):
        remedy = "stop it before you start another node there; if it is this node, all is well"
        return CheckResult(name, Outcome.WARNING, f"{data_dir} is in use by {held}", remedy), data_dir
    return CheckResult(name, Outcome.OK, f"{data_dir} can be written by user {os.geteuid()}"), data_dir


def check_disk(data_dir: Path, settings: NodeSettings, manifest: TierManifest) -> CheckResult:
    """Room for what the node may write, and as much as the tier asks for."""
    usage = shutil.disk_usage(data_dir)
    found = f"{usage.free / _GB:.1f} GB of {usage.total / _GB:.1f} GB free in {data_dir}"
    needed = settings.telemetry_spool_mb * _MB + 100 * _MB
    if usage.free < needed:
        return CheckResult(
            "disk", Outcome.FAILED, found, f"free {needed / _GB:.2f} GB, or lower NODEOS_TELEMETRY_SPOOL_MB"
        )
    if usage.total < manifest.storage_gb * _GB:
        remedy = f"a {manifest.tier} is made for {manifest.storage_gb} GB: use a larger volume"
        return CheckResult("disk", Outcome.WARNING, found, remedy)
    if usage.free < _LEAST_FREE_SHARE * usage.total:
        return CheckResult("disk", Outcome.WARNING, found, "less than a tenth is free: make room")
    return CheckResult("disk", Outcome.OK, found)


def check_database(data_dir: Path) -> CheckResult:
    """SQLite's write-ahead log needs locks and shared memory, which network file systems often lack."""
    try:
        with tempfile.TemporaryDirectory(dir=data_dir, prefix=".check-") as folder:
            connection = sqlite3.connect(Path(folder) / "check.sqlite3")
            try:
                [mode] = connection.execute("PRAGMA journal_mode=WAL").fetchone()
                connection.execute("CREATE TABLE written (once INTEGER)")
                connection.commit()
            finally:
                connection.close()
    except (OSError, sqlite3.Error) as error:
        return CheckResult("database", Outcome.FAILED, f"SQLite cannot write there: {error}", "use a local disk")
    if mode != "wal":
        remedy = "use a local disk, not a network file system"
        return CheckResult("database", Outcome.FAILED, f"SQLite gets journal mode {mode} there, not wal", remedy)
    return CheckResult("database", Outcome.OK, "SQLite can keep a write-ahead log there")


def check_key(data_dir: Path, settings: NodeSettings) -> CheckResult:
    """The node's key, without making one."""
    given = settings.private_key()
    if not os.path.lexists(data_dir / KEY_FILE):
        if given is None:
            return CheckResult("node key", Outcome.OK, f"{data_dir / KEY_FILE} is made in the first start")
        identity = NodeIdentity.of(given)
        return CheckResult("node key", Outcome.OK, f"node {identity.node_id}, from NODEOS_NODE_KEY")
    try:
        identity = load_identity(data_dir, given)
    except KeyFileError as error:
        return CheckResult("node key", Outcome.FAILED, str(error), "see above; then check again")
    return CheckResult("node key", Outcome.OK, f"node {identity.node_id}, mode 0600, of this user")


def check_ports(settings: NodeSettings) -> Iterator[CheckResult]:
    """Whether both servers can listen."""
    for name, host, port, setting in (
        ("HTTP port", settings.http_host, settings.http_port, "NODEOS_HTTP"),
        ("gRPC port", settings.grpc_host, settings.grpc_port, "NODEOS_GRPC"),
    ):
        try:
            bind_tcp(host, port, setting=setting).close()
        except BindError as error:
            yield CheckResult(name, Outcome.FAILED, str(error), f"free the port, or set {setting}_PORT")
        else:
            yield CheckResult(name, Outcome.OK, f"{host}:{port} is free" if port else f"any free one on {host}")


def check_processors(manifest: TierManifest) -> CheckResult:
    """Processors that this process may use, against the manifest."""
    cores = len(os.sched_getaffinity(0))
    found = f"{cores} core(s)"
    if cores < manifest.cpu_cores.min:
        remedy = f"a {manifest.tier} is made for {manifest.cpu_cores.min}: it will be slower"
        return CheckResult("processors", Outcome.WARNING, found, remedy)
    return CheckResult("processors", Outcome.OK, found)


def check_memory(manifest: TierManifest, cgroup: Path = _CGROUP) -> CheckResult:
    """Memory of the machine, or of the container that this is, against the manifest."""
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    limit = min([total, *_cgroup_limits(cgroup)])
    found = f"{limit / _GIB:.1f} GiB" + (" (the container's limit)" if limit < total else "")
    # A machine sold with 2 GB shows a little less: the kernel keeps some.
    if limit < 0.9 * manifest.memory_gb.min * _GB:
        return CheckResult(
            "memory", Outcome.WARNING, found, f"a {manifest.tier} is made for {manifest.memory_gb.min} GB"
        )
    return CheckResult("memory", Outcome.OK, found)


def check_descriptors() -> CheckResult:
    """Each connection is one file descriptor."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < _LEAST_DESCRIPTORS:
        remedy = (
            f"raise the limit to {_LEAST_DESCRIPTORS} (ulimit -n; with Docker: --ulimit nofile={_LEAST_DESCRIPTORS})"
        )
        return CheckResult("file descriptors", Outcome.WARNING, f"at most {soft}", remedy)
    return CheckResult("file descriptors", Outcome.OK, f"at most {soft}")


def _cgroup_limits(cgroup: Path) -> Iterator[int]:
    for name in ("memory.max", "memory/memory.limit_in_bytes"):  # cgroup v2, v1
        path = cgroup / name
        if path.is_file() and (text := path.read_text().strip()).isdigit():
            yield int(text)
