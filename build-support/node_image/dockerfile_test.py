from __future__ import annotations

import re
from pathlib import Path

import pytest

from node_image.conftest import MANIFEST, SERVICE_MANIFEST
from node_image.dockerfile import main, render
from noderr.types import parse_manifest, parse_service_manifest

TEXT = render(parse_manifest(MANIFEST))


@pytest.fixture
def manifest(tmp_path: Path) -> Path:
    (tmp_path / "tier.toml").write_text(MANIFEST)
    return tmp_path / "tier.toml"


def test_ports_and_labels_come_from_the_manifest() -> None:
    assert "EXPOSE 3003 50053\n" in TEXT
    assert 'org.opencontainers.image.description="Risk & Compliance"' in TEXT
    assert 'io.noderr.tier-number="2"' in TEXT


def test_a_services_ports_labels_and_layers_come_from_its_manifest() -> None:
    text = render(parse_service_manifest(SERVICE_MANIFEST))
    assert "EXPOSE 3000 3010\n" in text
    assert 'io.noderr.service="coordinator"' in text
    assert "io.noderr.tier" not in text
    assert "ARG LAYERS=packages.noderr.coordinator/layers\n" in text
    assert "ENV NODEOS_HTTP_HOST=0.0.0.0\nENV NODEOS_NODES_HOST=0.0.0.0\n" in text


def test_no_step_has_a_shell_or_a_network() -> None:
    runs = re.findall(r"^RUN (.*)$", TEXT, re.M)
    assert runs == ['["/usr/bin/python3.13", "-I", "-B", "/audit.py"]']
    assert re.findall(r"^(?:ENTRYPOINT|CMD|  CMD) (?!\[)", TEXT, re.M) == []
    assert "://" not in TEXT


def test_nothing_is_pulled() -> None:
    assert re.findall(r"^FROM (\S+)", TEXT, re.M) == ["scratch", "rootfs", "rootfs"]
    assert "syntax=" not in TEXT


def test_production_takes_the_code_from_the_audit() -> None:
    production = TEXT.rpartition("\nFROM ")[2]
    assert re.findall(r"^(?:ADD|COPY|RUN) .*$", production, re.M) == ["COPY --from=audit /opt/noderr /opt/noderr"]


def test_what_docker_would_expand_is_quoted() -> None:
    odd = MANIFEST.replace("Risk & Compliance", 'costs $HOME, a \\\\ and a \\"')
    assert r'image.description="costs \$HOME, a \\ and a \""' in render(parse_manifest(odd))


def test_it_is_written_and_then_up_to_date(manifest: Path) -> None:
    assert main([str(manifest)]) == 0
    assert manifest.with_name("Dockerfile").read_text() == TEXT
    assert main([str(manifest), "--check"]) == 0


def test_a_stale_one_is_shown_and_left_alone(manifest: Path, capsys: pytest.CaptureFixture[str]) -> None:
    stale = TEXT.replace("3003", "4444")
    manifest.with_name("Dockerfile").write_text(stale)
    assert main([str(manifest), "--check"]) == 1
    assert "-EXPOSE 4444 50053\n+EXPOSE 3003 50053\n" in capsys.readouterr().out
    assert manifest.with_name("Dockerfile").read_text() == stale


def test_a_services_is_written_beside_its_manifest(tmp_path: Path) -> None:
    (tmp_path / "service.toml").write_text(SERVICE_MANIFEST)
    assert main([str(tmp_path / "service.toml")]) == 0
    assert (tmp_path / "Dockerfile").read_text() == render(parse_service_manifest(SERVICE_MANIFEST))


def test_one_that_is_missing_is_stale(manifest: Path) -> None:
    assert main([str(manifest), "--check"]) == 1
    assert not manifest.with_name("Dockerfile").exists()
