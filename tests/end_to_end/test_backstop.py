"""Promises of `deploy-gateway cluster`: it installs the same again, says what differs, and proves that it holds."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from pipelines.backstop import OWNED_LABEL
from pipelines.errors import ClusterUnavailable, Forbidden, GatewayError, InvalidInput, NotFound
from tests.waiting import eventually
from tools.commands.cluster import cluster
from tools.installation import Installation

Run = Callable[..., Result]


@pytest.fixture
def run(installation: Installation) -> Run:
    """Runs one of its commands as the administrator, or whoever else is named."""

    def run(*words: str, kubeconfig: Path = installation.stack.kubeconfig) -> Result:
        options = ["--config", str(installation.config), "--kubeconfig", str(kubeconfig)]
        result = CliRunner().invoke(cluster, [*words, *options])
        if isinstance(result.exception, GatewayError):
            raise result.exception
        return result

    return run


def changed(result: Result) -> dict[str, str]:
    listed = json.loads(result.output)["changes"]
    return {one["resource"]: one["action"] for one in listed if one["action"] != "none"}


def test_what_is_installed_differs_in_nothing(run: Run) -> None:
    result = run("diff")
    assert (result.exit_code, result.output) == (0, "")


def test_it_can_be_installed_again(run: Run) -> None:
    result = run("install")
    assert result.exit_code == 0
    assert {line.split()[0] for line in result.output.splitlines()} == {"unchanged"}


def test_every_rule_bites_and_what_must_pass_passes(run: Run) -> None:
    result = run("verify", "-o", "json")
    found = json.loads(result.output)
    left = {one["what"]: one["verdict"] for one in found["trials"] if one["verdict"] != "proven"}
    # Nobody can bring a kind that the cluster has not: the embedded one has no cert-manager.
    assert left == {"certificate-hosts": "absent", "certificate-issuer": "absent"}, json.dumps(left)
    assert (result.exit_code, found["proven"]) == (0, True)
    assert len(found["trials"]) > 80


@pytest.fixture
def unbound(installation: Installation, run: Run) -> Iterator[str]:
    """A rule whose binding somebody took away."""
    gone = installation.stack.kubectl("delete", "validatingadmissionpolicybinding/service-type")
    assert gone.returncode == 0, gone.stderr
    yield "service-type"
    assert changed(run("install", "-o", "json")) == {"ValidatingAdmissionPolicyBinding/service-type": "create"}
    eventually(lambda: run("verify").exit_code == 0, seconds=300)


def test_a_rule_that_was_taken_away_is_told(run: Run, unbound: str) -> None:
    result = run("diff")
    assert result.exit_code == 1
    assert result.output.startswith("create ValidatingAdmissionPolicyBinding/service-type\n")

    def told() -> list[str]:
        return [line for line in run("verify").output.splitlines() if line.startswith("✗")]

    failed = eventually(told, seconds=300)
    assert {line.split()[1] for line in failed} == {unbound}


def test_what_an_earlier_installation_brought_is_removed_and_what_others_have_is_not(
    installation: Installation, run: Run
) -> None:
    metadata = {"name": "an-older-rule", "labels": {OWNED_LABEL: "true"}}
    role = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": metadata}
    others: Any = {**role, "metadata": {"name": "somebody-elses"}}
    for one in (role, others):
        assert installation.stack.kubectl("create", "--filename=-", stdin=json.dumps(one)).returncode == 0
    assert changed(run("diff", "-o", "json")) == {"ClusterRole/an-older-rule": "delete"}
    assert changed(run("install", "-o", "json")) == {"ClusterRole/an-older-rule": "delete"}
    assert run("diff").exit_code == 0
    assert installation.stack.kubectl("delete", "clusterrole/somebody-elses").returncode == 0


def test_who_is_no_administrator_is_told_so(installation: Installation, run: Run) -> None:
    with pytest.raises(Forbidden, match="the API server refuses it") as raised:
        run("install", kubeconfig=installation.stack.kubeconfigs["developer"])
    assert "administrator" in raised.value.solution


def test_a_cluster_that_is_away_is_told(installation: Installation, run: Run, tmp_path: Path) -> None:
    config = json.loads(installation.stack.kubeconfig.read_text())
    config["clusters"][0]["cluster"]["server"] = "https://127.0.0.1:1"
    (tmp_path / "config").write_text(json.dumps(config))
    with pytest.raises(ClusterUnavailable, match="does not answer"):
        run("verify", kubeconfig=tmp_path / "config")


def test_a_context_that_is_not_there_is_told(run: Run) -> None:
    with pytest.raises(InvalidInput, match="nowhere"):
        run("diff", "--context", "nowhere")


def test_a_cluster_that_gateway_yaml_does_not_know_is_told(run: Run) -> None:
    with pytest.raises(NotFound, match="no cluster 'nowhere'"):
        run("diff", "--cluster", "nowhere")
