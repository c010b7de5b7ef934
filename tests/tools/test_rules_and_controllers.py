"""Promises of rules about pods on a server: what controllers make was judged before; what is put into a pod is not."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from typing import Any

import pytest

from pipelines.rules import as_json, load_rules
from tests.waiting import eventually
from tools.stack import Stack

NAMESPACE = "rules-and-controllers"
OWNER = {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "web", "uid": "u", "controller": True}
Ask = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def ask(stack: Stack) -> Ask:
    """Asks to create a pod that keeps its capabilities, in the one namespace where a copy of that rule holds."""

    def asked(user: str, *owners: Any) -> subprocess.CompletedProcess[str]:
        pod = {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": "web", "namespace": NAMESPACE, "ownerReferences": list(owners)},
            "spec": {"containers": [_container("web", drop=[])]},
        }
        groups = ("--as-group=system:serviceaccounts", "--as-group=system:masters")
        words = ("create", "--dry-run=server", "--filename=-", f"--as={user}", *groups)
        return stack.kubectl(*words, stdin=json.dumps(pod))

    applied = stack.kubectl("apply", "--server-side", "--filename=-", stdin=as_json(_objects()))
    assert applied.returncode == 0, applied.stderr
    eventually(lambda: stack.kubectl("get", "serviceaccount", "default", "-n", NAMESPACE).returncode == 0)
    eventually(lambda: asked("somebody").returncode != 0)
    # It stays: once no bound policy has a ConfigMap for its parameters, the server never again sees a new ConfigMap.
    return asked


def _container(name: str, *, drop: list[str]) -> dict[str, Any]:
    return {"name": name, "image": "example.com/web:1", "securityContext": {"capabilities": {"drop": drop}}}


def _objects() -> tuple[Any, ...]:
    (rule,) = (rule for rule in load_rules() if rule.id == "capabilities")
    parameters = {"name": "parameters", "namespace": NAMESPACE}
    binding = {
        "policyName": NAMESPACE,
        "validationActions": ["Deny"],
        "paramRef": {**parameters, "parameterNotFoundAction": "Deny"},
        "matchResources": {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": NAMESPACE}}},
    }
    kind = "ValidatingAdmissionPolicyBinding"
    return (
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}},
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": parameters, "data": {"waivers": ""}},
        rule.policy | {"metadata": {"name": NAMESPACE}},
        {"apiVersion": rule.policy["apiVersion"], "kind": kind, "metadata": {"name": NAMESPACE}, "spec": binding},
    )


@pytest.mark.parametrize(
    "user", ["system:serviceaccount:kube-system:replicaset-controller", "system:kube-controller-manager"]
)
def test_what_a_controller_makes_of_what_was_judged_is_let_through(ask: Ask, user: str) -> None:
    done = ask(user, OWNER)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("user", "owners"),
    [
        pytest.param("system:serviceaccount:kube-system:replicaset-controller", (), id="made-from-nothing"),
        pytest.param("system:kube-controller-manager", ({**OWNER, "controller": False},), id="of-no-controller"),
        pytest.param("system:serviceaccount:shop:robot", (OWNER,), id="no-controller"),
        pytest.param("system:serviceaccount:kube-systems:robot", (OWNER,), id="almost-a-controller"),
    ],
)
def test_nothing_else_is(ask: Ask, user: str, owners: tuple[Any, ...]) -> None:
    done = ask(user, *owners)
    assert "capabilities are kept or added: web" in done.stderr


@pytest.mark.usefixtures("ask")
@pytest.mark.parametrize("drop", [[], ["ALL"]], ids=["bad", "good"])
def test_a_container_that_is_put_into_a_pod_is_judged(stack: Stack, drop: list[str]) -> None:
    name = f"debugged-{len(drop)}"
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": NAMESPACE},
        "spec": {"containers": [_container("web", drop=["ALL"])]},
    }
    assert stack.kubectl("create", "--filename=-", stdin=json.dumps(pod)).returncode == 0
    change = json.dumps({"spec": {"ephemeralContainers": [_container("debug", drop=drop)]}})
    words = ("--subresource=ephemeralcontainers", "--type=strategic", f"--patch={change}", "--dry-run=server")
    done = stack.kubectl("patch", "pod", name, f"--namespace={NAMESPACE}", *words)
    assert (done.returncode == 0, "capabilities are kept or added: debug" in done.stderr) == (bool(drop), not drop)
