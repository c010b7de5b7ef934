"""A waiver from its beginning to its end: at the gateway, and in the policies of a real API server."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from configuration.file import load
from pipelines.adapters.kube import KubeCluster
from pipelines.apps import ClusterName
from pipelines.rules import PARAMETERS_NAME
from store import open_store
from tests.waiting import eventually
from tools.installation import Installation
from workers.parameters import keep_parameters

Post = Callable[..., dict[str, Any]]
Deployctl = Callable[..., subprocess.CompletedProcess[str]]
# A team's own annotations waive nothing, ours or kube-score's.
SERVICE = {
    "apiVersion": "v1",
    "kind": "Service",
    "metadata": {
        "name": "waived",
        "annotations": {
            "kube-score/ignore": "service-targets-pod",
            "deploy-gateway.dev/waivers": "service-type service-selects",
        },
    },
    "spec": {"type": "NodePort", "selector": {"app": "nobody"}, "ports": [{"name": "http", "port": 80}]},
}
RULES = {"service-type", "service-selects"}
OF_A_RELEASE = {"app": "waived", "team": "shop", "commit": "a" * 40}


def _allowed(installation: Installation, app: str = "waived") -> bool:
    """Whether the API server takes such a Service from the gateway's own identity, by a dry-run."""
    labels = {f"deploy-gateway.dev/{name}": value for name, value in (OF_A_RELEASE | {"app": app}).items()}
    service = json.dumps({**SERVICE, "metadata": {"name": "another", "labels": labels}})
    tried = ("create", "--dry-run=server", "--namespace=waived-staging", "--filename=-")
    done = installation.stack.kubectl(*tried, identity="deploy", stdin=service)
    assert done.returncode == 0 or "service-type" in done.stderr, done.stderr
    return done.returncode == 0


def _becomes(installation: Installation, expected: bool) -> bool:
    """An API server hears of new parameters a moment after they are written."""
    return eventually(lambda: _allowed(installation) is expected)


@pytest.fixture
def waive(deployctl: Deployctl) -> Callable[[str], str]:
    """Makes a waiver as the platform; its id."""

    def waive(rule: str) -> str:
        until = (datetime.now(UTC) + timedelta(days=7)).date().isoformat()
        asked = ("--rule", rule, "--app", "waived", "--resource", "*", "--until", until)
        done = deployctl(
            "waiver", "add", *asked, "--owner", "Ada", "--reason", "Legacy", "-o", "json", holder="platform"
        )
        assert done.returncode == 0, done.stderr
        return str(json.loads(done.stdout)["id"])

    return waive


def test_a_waiver_lets_through_what_is_refused_before_and_after_it(
    installation: Installation, release: Post, deployctl: Deployctl, waive: Callable[[str], str]
) -> None:
    files = {"deploy.yaml": "apiVersion: deploy-gateway/v1\napp: waived\nmanifests: k8s\n"}
    installation.push("shop/waived", {**files, "k8s/service.yaml": json.dumps(SERVICE)}, "A way of its own")
    refused = release("waived")
    assert {one["rule"] for one in refused["findings"] if one["blocks"]} == RULES

    assert (
        deployctl(
            "waiver",
            "add",
            "--rule",
            "service-type",
            "--app",
            "waived",
            "--resource",
            "*",
            "--owner",
            "us",
            "--reason",
            "please",
            "--until",
            "2030-01-01",
        ).returncode
        == 6
    )
    ids = [waive(rule) for rule in sorted(RULES)]

    shown = deployctl("release", "--app", "waived", "--env", "staging", "--ref", "main")
    assert shown.returncode == 0, shown.stdout + shown.stderr
    assert "2 waived by the platform" in shown.stdout
    assert "waived by Ada, until" in shown.stdout
    assert _becomes(installation, True)
    assert not _allowed(installation, app="not-the-one-of-this-namespace")
    got = installation.stack.kubectl("get", "configmap", PARAMETERS_NAME, "--namespace=deploy-gateway", "--output=json")
    assert "service-type waived-staging waived *" in json.loads(got.stdout)["data"]["waivers"].splitlines()
    assert deployctl("waiver", "list", "--app", "waived").stdout.count("Legacy") == 2

    for one in ids:
        assert deployctl("waiver", "end", one, holder="platform").returncode == 0
    ahead = deployctl("policy", "forecast", "--env", "staging").stdout
    assert "✗ waived → staging" in ahead
    assert "it blocks today already" in ahead
    again = release("waived")
    assert (again["state"], {one["rule"] for one in again["findings"] if one["blocks"]}) == ("blocked", RULES)

    settings = load(installation.config)
    store = open_store(settings.database_url)
    keep_parameters(settings, store, ClusterName("local"), KubeCluster(installation.stack.gateway_kubeconfig))
    store.close()
    assert _becomes(installation, False)
    running = installation.stack.kubectl("get", "service", "waived", "--namespace=waived-staging", "--output=name")
    assert running.stdout.strip() == "service/waived"
