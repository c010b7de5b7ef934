"""An Environment in the mode `warn`: what breaks rules goes live there, is told so, and nowhere else."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from typing import Any

import pytest

from tests.pipelines.mutation import LABELS
from tools.installation import Installation
from tools.stack.repositories import Content

Post = Callable[..., dict[str, Any]]
Deployctl = Callable[..., subprocess.CompletedProcess[str]]
DEPLOY = "apiVersion: deploy-gateway/v1\napp: lenient\nmanifests: k8s\n"
# As root, in the node's network, latest: what the Pod Security Standard and most rules refuse.
ROOT = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: lenient}
spec:
  replicas: 1
  selector: {matchLabels: {a: b}}
  template:
    metadata: {labels: {a: b}}
    spec:
      hostNetwork: true
      containers:
        - name: lenient
          image: docker.io/library/nginx:latest
          securityContext: {runAsUser: 0, allowPrivilegeEscalation: true}
"""
CLUSTER_ROLE = (
    "---\napiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {name: lenient}\nrules: []\n"
)


def _files(manifest: str) -> dict[str, Content]:
    return {"deploy.yaml": DEPLOY, "k8s/all.yaml": manifest}


@pytest.fixture(scope="module")
def released(installation: Installation, deployctl: Deployctl) -> subprocess.CompletedProcess[str]:
    """What deployctl showed of its Release."""
    installation.push("shop/lenient", _files(ROOT), "As it always was")
    return deployctl("release", "--app", "lenient", "--env", "sandbox", "--ref", "main")


def test_what_breaks_rules_goes_live_where_they_only_warn(
    installation: Installation, released: subprocess.CompletedProcess[str]
) -> None:
    assert released.returncode == 0, released.stdout + released.stderr
    got = installation.stack.kubectl("get", "deployment", "lenient", "--namespace=lenient-sandbox", "--output=json")
    assert json.loads(got.stdout)["status"]["availableReplicas"] == 1


@pytest.mark.parametrize(
    "rule", ["run-as-non-root", "privilege-escalation", "host-access", "image-pinned", "image-registry"]
)
def test_each_warning_is_shown(released: subprocess.CompletedProcess[str], rule: str) -> None:
    assert rule in released.stdout


def test_the_same_commit_is_refused_where_rules_are_enforced(
    released: subprocess.CompletedProcess[str], release: Post
) -> None:
    assert release("lenient")["code"] == "blocked-by-policy"


def test_the_cluster_warns_in_that_environment_and_refuses_in_others(
    installation: Installation, released: subprocess.CompletedProcess[str]
) -> None:
    """Asked as the gateway, which the policy of who may write lets through."""
    stack = installation.stack
    labels = {"deploy-gateway.dev/managed": "true", "deploy-gateway.dev/environment": "another"}
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "lenient-another", "labels": labels}}
    assert stack.kubectl("apply", "--filename=-", identity="deploy", stdin=json.dumps(namespace)).returncode == 0
    service = json.dumps(
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": "open", "labels": LABELS},
            "spec": {"type": "NodePort", "ports": [{"port": 80}]},
        }
    )
    dry = ("create", "--dry-run=server", "--filename=-")
    warned = stack.kubectl(*dry, "--namespace=lenient-sandbox", identity="deploy", stdin=service)
    refused = stack.kubectl(*dry, "--namespace=lenient-another", identity="deploy", stdin=service)
    assert (warned.returncode, "Warning: Validation failed" in warned.stderr) == (0, True), warned.stderr
    assert (refused.returncode, "service-type" in refused.stderr) == (1, True), refused.stderr


def test_what_acts_on_the_whole_cluster_is_refused_in_every_mode(
    installation: Installation, released: subprocess.CompletedProcess[str], release: Post
) -> None:
    installation.push("shop/lenient", _files(ROOT + CLUSTER_ROLE), "And rights for all")
    done = release("lenient", environment="sandbox")
    assert done["code"] == "blocked-by-policy"
    assert {one["rule"] for one in done["findings"] if one["blocks"]} == {"team-scope"}
