"""The coordinator's settings: what is refused, and that no password is shown."""

from __future__ import annotations

from pathlib import Path

import pytest

from noderr.coordinator.settings import CoordinatorSettings, port_defaults
from noderr.core.errors import SettingsError
from noderr.core.settings_loader import load_settings
from noderr.core.settings_template import settings_template
from noderr.types import load_service_manifest

DEFAULTS = port_defaults(load_service_manifest(Path(__file__).with_name("service.toml")))
SECRET = "hunter2"


def load(**environ: str) -> CoordinatorSettings:
    ours = {f"NODEOS_{name.upper()}": value for name, value in environ.items()}
    return load_settings(ours, CoordinatorSettings, DEFAULTS)


def test_defaults() -> None:
    settings = load()
    assert (settings.http_port, settings.nodes_port) == (3000, 3010)
    assert (settings.heartbeat_seconds, settings.retention_days) == (15, 30)
    assert settings.postgres_url() is None


@pytest.mark.parametrize("scheme", ["postgresql", "postgresql+psycopg"])
def test_postgresql_by_either_name(scheme: str) -> None:
    url = load(database_url=f"{scheme}://me:{SECRET}@db.example:5433/network?sslmode=require").postgres_url()
    assert url is not None
    assert (url.drivername, url.username, url.password) == ("postgresql+psycopg", "me", SECRET)
    assert (url.host, url.port, url.database, url.query) == ("db.example", 5433, "network", {"sslmode": "require"})


def test_the_address_may_come_in_a_file(tmp_path: Path) -> None:
    file = tmp_path / "url"
    file.write_text(f"postgresql://me:{SECRET}@db/network\n")
    settings = load(database_url_file=str(file))
    assert str(settings.postgres_url()) == "postgresql+psycopg://me:***@db/network"
    assert SECRET not in repr(settings)


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        (f"mysql://me:{SECRET}@db/network", "names a database of the kind 'mysql'"),
        (f"sqlite:///{SECRET}.db", "unset it for SQLite"),
        (f"postgresql+asyncpg://me:{SECRET}@db/network", "of the kind 'postgresql+asyncpg'"),
        (f"me:{SECRET}@db/network", "is no address of a database"),
        (f"postgresql://me:{SECRET}@db:port/network", "is no address of a database"),
    ],
)
def test_other_databases_are_refused_without_showing_the_password(url: str, problem: str) -> None:
    with pytest.raises(SettingsError) as caught:
        load(database_url=url)
    assert "NODEOS_DATABASE_URL=(hidden)" in str(caught.value)
    assert problem in str(caught.value)
    assert SECRET not in str(caught.value)


def test_everything_wrong_is_told_at_once() -> None:
    with pytest.raises(SettingsError) as caught:
        load(
            heartbeat_seconds="121", retention_days="0", nodes_port="70000", database_url="mysql://db/x", tier="oracle"
        )
    text = str(caught.value)
    assert "5 problem(s)" in text
    for name in ("HEARTBEAT_SECONDS='121'", "RETENTION_DAYS='0'", "NODES_PORT='70000'", "DATABASE_URL", "TIER is no"):
        assert f"NODEOS_{name}" in text


def test_two_servers_need_two_ports() -> None:
    with pytest.raises(SettingsError, match="NODEOS_HTTP_PORT and NODEOS_NODES_PORT are both 4000: choose two ports"):
        load(http_port="4000", nodes_port="4000")
    assert load(http_port="0", nodes_port="0").nodes_port == 0


def test_the_template_has_every_setting() -> None:
    text = settings_template(CoordinatorSettings, DEFAULTS, "a coordinator")
    assert "#NODEOS_NODES_PORT=3010" in text
    assert "#NODEOS_DATABASE_URL_FILE=" in text
    assert "#NODEOS_NODE_KEY_FILE=" in text
