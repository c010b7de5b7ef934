"""Waivers of rules that the Pod Security Standard has too: the API server's own admission knows nothing of them."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.waiting import eventually
from tools.installation import Installation

APP, NAMESPACE = "rooted", "rooted-staging"
DEPLOY = f"apiVersion: deploy-gateway/v1\napp: {APP}\nmanifests: k8s\n"
MANIFEST = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: rooted}
spec:
  replicas: 1
  selector: {matchLabels: {app: rooted}}
  template:
    metadata: {labels: {app: rooted}}
    spec:
      serviceAccountName: rooted
      automountServiceAccountToken: false
      securityContext: {runAsUser: USER, runAsNonRoot: ROOTLESS, seccompProfile: {type: RuntimeDefault}}
      containers:
        - name: rooted
          image: IMAGE
          imagePullPolicy: Always
          resources:
            requests: &size {cpu: 10m, memory: 16Mi, ephemeral-storage: 16Mi}
            limits: *size
          securityContext:
            allowPrivilegeEscalation: false
            readOnlyRootFilesystem: true
            runAsUser: USER
            runAsGroup: 10001
            capabilities: {drop: [ALL], add: ADDED}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: rooted}
automountServiceAccountToken: false
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: rooted}
spec: {podSelector: {matchLabels: {app: rooted}}, policyTypes: [Ingress, Egress]}
"""
RULES = {"run-as-non-root", "capabilities"}


def _push(installation: Installation, *, as_root: bool) -> None:
    user, rootless, added = ("0", "false", "[SYS_PTRACE]") if as_root else ("10001", "true", "[]")
    image = f"{installation.registry}/shop/checkout:1.4.2"
    text = MANIFEST.replace("USER", user).replace("ROOTLESS", rootless).replace("ADDED", added).replace("IMAGE", image)
    installation.push(f"shop/{APP}", {"deploy.yaml": DEPLOY, "k8s/all.yaml": text}, f"As root: {as_root}")


def _waive(deployctl: Callable[..., subprocess.CompletedProcess[str]], rule: str, resource: str) -> str:
    until = (datetime.now(UTC) + timedelta(days=7)).date().isoformat()
    about = ("--rule", rule, "--app", APP, "--resource", resource, "--until", until)
    done = deployctl("waiver", "add", *about, "--owner", "Ada", "--reason", "Legacy", "-o", "json", holder="platform")
    assert done.returncode == 0, done.stderr
    return str(json.loads(done.stdout)["id"])


def _pod_restarts(installation: Installation) -> bool:
    """Whether another Pod comes in place of the one that runs, as after a drain."""
    which = (f"--namespace={NAMESPACE}", "--selector=app=rooted")

    def running() -> set[str]:
        listed = json.loads(installation.stack.kubectl("get", "pods", *which, "--output=json").stdout)["items"]
        return {one["metadata"]["uid"] for one in listed if one["status"]["phase"] == "Running"}

    before = eventually(running)
    assert installation.stack.kubectl("delete", "pods", *which, "--wait=false").returncode == 0
    return bool(eventually(lambda: running() - before))


def _pod_security(installation: Installation) -> str:
    got = installation.stack.kubectl("get", "namespace", NAMESPACE, "--output=json")
    return str(json.loads(got.stdout)["metadata"]["labels"]["pod-security.kubernetes.io/enforce"])


def test_what_is_waived_gets_its_pods_and_keeps_them_until_a_release_does_without(
    installation: Installation,
    release: Callable[..., dict[str, Any]],
    deployctl: Callable[..., subprocess.CompletedProcess[str]],
    live: Callable[..., Any],
) -> None:
    _push(installation, as_root=True)
    refused = release(APP)
    assert {one["rule"] for one in refused["findings"] if one["blocks"]} == RULES

    ids = [_waive(deployctl, "run-as-non-root", f"Deployment/{APP}"), _waive(deployctl, "capabilities", "*")]
    done = release(APP)
    assert done["state"] == "deployed", done["message"]
    assert live(APP, "deployment")["status"]["availableReplicas"] == 1
    assert _pod_security(installation) == "privileged"

    for one in ids:
        assert deployctl("waiver", "end", one, holder="platform").returncode == 0
    assert release(APP)["state"] == "blocked"
    assert _pod_restarts(installation)

    _push(installation, as_root=False)
    mended = release(APP)
    assert mended["state"] == "deployed", mended["message"]
    assert _pod_security(installation) == "restricted"
