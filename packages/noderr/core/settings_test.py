from __future__ import annotations

import re
import traceback
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from noderr.core.errors import SettingsError
from noderr.core.settings import NodeSettings
from noderr.core.settings_loader import load_settings as load_any_settings
from noderr.core.settings_loader import tier_defaults
from noderr.core.settings_schema import variable
from noderr.core.settings_template import settings_template as any_settings_template
from noderr.core.testing import small_guardian
from noderr.types import TierManifest

KEY = "11" * 32


@pytest.fixture(scope="module")
def manifest() -> TierManifest:
    return small_guardian()


def load_settings(environ: Mapping[str, str], manifest: TierManifest) -> NodeSettings:
    return load_any_settings(environ, NodeSettings, tier_defaults(manifest))


def settings_template(manifest: TierManifest) -> str:
    return any_settings_template(NodeSettings, tier_defaults(manifest), "a node")


def problems(environ: dict[str, str], manifest: TierManifest) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        load_settings(environ, manifest)
    return list(caught.value.problems)


def test_ports_default_to_the_manifest(manifest: TierManifest) -> None:
    settings = load_settings({"PATH": "/bin"}, manifest)
    assert (settings.http_port, settings.grpc_port) == (3003, 50053)
    assert settings.http_host == settings.grpc_host == "127.0.0.1"


def test_environment_overrides(manifest: TierManifest) -> None:
    settings = load_settings({"NODEOS_HTTP_PORT": "8080", "NODEOS_LOG_LEVEL": "debug", "NODEOS_DATA_DIR": ""}, manifest)
    assert (settings.http_port, settings.log_level, settings.data_dir) == (8080, "debug", None)


def test_all_problems_at_once_each_with_variable_value_and_remedy(manifest: TierManifest) -> None:
    found = problems(
        {
            "NODEOS_HTTP_PORT": "99999",
            "NODEOS_GRPC_PORT": "many",
            "NODEOS_LOG_LEVEL": "loud",
            "NODEOS_DRAIN_SECONDS": "60",
            "NODEOS_HTP_PORT": "1",
            "NODEOS_NODE_KEY_FILE": "/nowhere/key",
        },
        manifest,
    )
    text = "\n".join(found)
    assert len(found) == 6
    assert "NODEOS_HTTP_PORT='99999': " in text
    assert "NODEOS_GRPC_PORT='many': " in text
    assert "NODEOS_LOG_LEVEL='loud': " in text
    assert "NODEOS_DRAIN_SECONDS='60': " in text
    assert "NODEOS_HTP_PORT is no setting: did you mean NODEOS_HTTP_PORT?" in text
    assert "NODEOS_NODE_KEY_FILE='/nowhere/key': cannot be read: No such file" in text
    assert "0 to 65535" in text  # a remedy


def test_secret_may_come_from_a_file(manifest: TierManifest, tmp_path: Path) -> None:
    (tmp_path / "key").write_text(KEY + "\n")
    settings = load_settings({"NODEOS_NODE_KEY_FILE": str(tmp_path / "key")}, manifest)
    key = settings.private_key()
    assert key is not None
    assert key.private_bytes_raw().hex() == KEY


def test_secret_twice_is_refused(manifest: TierManifest, tmp_path: Path) -> None:
    environ = {"NODEOS_NODE_KEY": KEY, "NODEOS_NODE_KEY_FILE": str(tmp_path / "key")}
    assert problems(environ, manifest) == ["NODEOS_NODE_KEY and NODEOS_NODE_KEY_FILE are both set: unset one of them"]


@pytest.mark.parametrize("name", ["NODEOS_NODE_KEY", "NODEOS_NODE_KEYY"])
def test_no_error_repeats_a_secret(manifest: TierManifest, name: str) -> None:
    secret = "hun" + "ter2"  # Not in one piece: a traceback quotes the source.
    with pytest.raises(SettingsError) as caught:
        load_settings({name: secret}, manifest)
    assert name in str(caught.value)
    assert secret not in "".join(traceback.format_exception(caught.value))


def test_file_form_is_for_secrets_only(manifest: TierManifest) -> None:
    assert "NODEOS_HTTP_PORT_FILE is no setting" in problems({"NODEOS_HTTP_PORT_FILE": "/x"}, manifest)[0]


def test_one_port_for_both_servers_is_refused(manifest: TierManifest) -> None:
    assert problems({"NODEOS_HTTP_PORT": "50053"}, manifest) == [
        "NODEOS_HTTP_PORT and NODEOS_GRPC_PORT are both 50053: choose two ports"
    ]


def test_variables_of_the_build_are_no_mistake(manifest: TierManifest) -> None:
    load_settings({"NODEOS_COMMIT": "abc", "NODEOS_COMMIT_TIME": "1", "NODEOS_VERSION": "1.2.3"}, manifest)


def test_template_names_every_setting_and_its_defaults_load(manifest: TierManifest) -> None:
    text = settings_template(manifest)
    lines = [line.removeprefix("#") for line in text.splitlines() if re.match(r"#?NODEOS_", line)]
    environ = dict(line.split("=", 1) for line in lines)
    assert set(environ) == {variable(field) for field in NodeSettings.model_fields} | {
        "NODEOS_NODE_KEY_FILE",
        "NODEOS_ACCOUNT_KEY_FILE",
    }
    assert load_settings(environ, manifest) == load_settings({}, manifest)


def test_template_comments_every_setting(manifest: TierManifest) -> None:
    text = settings_template(manifest)
    for block in text.strip().split("\n\n"):
        assert block.startswith("# ")
    assert "#NODEOS_HTTP_PORT=3003" in text


KEY_AT = "ab" * 32 + "@"


@pytest.mark.parametrize(
    ("peers", "words"),
    [
        ("nonsense", "has no @"),
        ("12@host:1", "is no public key"),
        (KEY_AT + "host", "write host:port"),
        (KEY_AT + "host:0", "from 1 to 65535"),
        (KEY_AT + "::1:5", "IPv6 address in brackets"),
    ],
)
def test_wrong_peer_is_refused_with_its_reason(manifest: TierManifest, peers: str, words: str) -> None:
    [problem] = problems({"NODEOS_PEERS": peers}, manifest)
    assert problem.startswith("NODEOS_PEERS=")
    assert words in problem


def test_peers_are_read_in_order(manifest: TierManifest) -> None:
    settings = load_settings({"NODEOS_PEERS": f"{KEY_AT}one:1, {KEY_AT}[::1]:2,"}, manifest)
    assert [(peer.host, peer.port) for peer in settings.peer_addresses()] == [("one", 1), ("::1", 2)]
    assert str(settings.peer_addresses()[1]) == KEY_AT + "[::1]:2"


def test_coordinator_in_the_clear_needs_its_key(manifest: TierManifest) -> None:
    clear = {"NODEOS_COORDINATOR_URL": "http://coordinator:3010"}
    assert "NODEOS_COORDINATOR_KEY" in problems(clear, manifest)[0]
    load_settings(clear | {"NODEOS_COORDINATOR_KEY": KEY}, manifest)
    load_settings({"NODEOS_COORDINATOR_URL": "https://coordinator.example.org"}, manifest)
    load_settings({"NODEOS_COORDINATOR_URL": "http://127.0.0.1:3010"}, manifest)


@given(st.sampled_from(sorted(NodeSettings.model_fields)), st.text(max_size=30))
def test_any_value_is_taken_or_refused_by_name(manifest: TierManifest, field: str, value: str) -> None:
    try:
        load_settings({variable(field): value}, manifest)
    except SettingsError as error:
        found = str(error)
    else:
        found = variable(field)
    assert variable(field) in found
