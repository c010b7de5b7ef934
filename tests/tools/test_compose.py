"""docker-compose.yml: every command is one that exists, and each zone has its own and nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from tools.cli import cli

ROOT = Path(__file__).resolve().parents[2]
SERVICES: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
OURS = [name for name, service in SERVICES.items() if "build" in service]


@pytest.mark.parametrize("name", OURS)
def test_every_command_is_one_that_exists(name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "kubeconfig").touch()
    monkeypatch.setenv("DEPLOY_GATEWAY_CONFIG", "gateway.yaml")
    words = [word.replace("/run/secrets", str(tmp_path)) for word in SERVICES[name]["command"]]
    command: click.Command = cli
    context = click.Context(cli)
    while isinstance(command, click.Group):
        found = command.get_command(context, words[0])
        assert found is not None, words[0]
        context, command = click.Context(found, info_name=words[0], parent=context), found
        words = words[1:]
    command.make_context(command.name, words, parent=context)


def test_only_the_deploy_zone_has_the_clusters_credentials_and_reaches_it() -> None:
    assert [name for name in OURS if SERVICES[name].get("secrets")] == ["deploy-worker"]
    assert [name for name, one in SERVICES.items() if "cluster" in one["networks"]] == ["deploy-worker"]


def test_only_the_check_zone_reaches_git_and_the_registries() -> None:
    assert [name for name, one in SERVICES.items() if "outside" in one["networks"]] == ["check-worker"]


@pytest.mark.parametrize("name", OURS)
def test_no_process_of_ours_has_more_rights_than_it_needs(name: str) -> None:
    service = SERVICES[name]
    assert (service["read_only"], service["cap_drop"]) == (True, ["ALL"])


@pytest.mark.parametrize("name", SERVICES)
def test_no_image_is_latest(name: str) -> None:
    _, _, tag = SERVICES[name]["image"].partition(":")
    assert tag[:1].isdigit()
