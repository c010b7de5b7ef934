"""What a real API server says about one object: every rule that it breaks, by one dry-run request.

A refusal names one policy only, but each policy that is bound to warn warns. So all rules are installed once more
under names of their own, bound to warn in one namespace, where nothing is ever created.
"""

from __future__ import annotations

import copy
import json
import re
import ssl
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import urllib3

from pipelines.adapters.kube.connection import Connection, Refused
from pipelines.cluster import SERVICE_ACCOUNT, SERVICE_ACCOUNT_NAMESPACE
from pipelines.rules import Rule, as_json
from tests.waiting import eventually
from tools.stack import Stack

NAMESPACE = "checkout-differential"
ALWAYS = "always"
"""A rule that speaks about every ConfigMap: it is the last that is installed, so that all hold when it does."""
_PREFIX = "differential."
_WARNING = re.compile(rf"299 - \"Validation failed for ValidatingAdmissionPolicy '{re.escape(_PREFIX)}([a-z0-9-]+)'")
_LABEL = "deploy-gateway.dev/differential"
_READY_SECONDS = 120
_ACCOUNTS = "system:serviceaccounts"
# As the gateway, but with the rights to create anything: RBAC is not what is compared.
_IDENTITY = (
    ("Impersonate-User", f"system:serviceaccount:{SERVICE_ACCOUNT_NAMESPACE}:{SERVICE_ACCOUNT}"),
    *(("Impersonate-Group", group) for group in (_ACCOUNTS, f"{_ACCOUNTS}:{SERVICE_ACCOUNT_NAMESPACE}")),
    ("Impersonate-Group", "system:masters"),
)


@dataclass(frozen=True, slots=True)
class Answer:
    """`rules` are those that it breaks. What `reached` is False for, the server refused before it asked any policy."""

    rules: frozenset[str]
    reached: bool
    message: str


class ApiServer:
    """Safe to share between threads."""

    def __init__(self, stack: Stack) -> None:
        (user,), (cluster,) = (json.loads(stack.kubeconfig.read_text())[key] for key in ("users", "clusters"))
        context = ssl.create_default_context(cadata=_authority(cluster["cluster"]))
        self._url = cluster["cluster"]["server"]
        self._pool = urllib3.PoolManager(maxsize=8, ssl_context=context)
        self._headers = urllib3.HTTPHeaderDict(
            {"Authorization": f"Bearer {user['user']['token']}", "Content-Type": "application/json"}
        )
        for name, value in _IDENTITY:
            self._headers.add(name, value)
        self._paths = Connection(stack.kubeconfig)

    def asked(self, manifest: Mapping[str, Any]) -> Answer:
        """What creating `manifest` would come to."""
        try:
            path = self._paths.path_of({**manifest, "metadata": {"name": "x"}}, NAMESPACE).rpartition("/")[0]
        except Refused as refused:
            return Answer(frozenset(), reached=False, message=refused.message)
        response = self._pool.request(
            "POST",
            f"{self._url}{path}?dryRun=All&fieldValidation=Ignore",
            headers=self._headers,
            body=json.dumps(manifest).encode(),
            timeout=60,
        )
        rules = frozenset(_WARNING.findall(", ".join(response.headers.getlist("Warning"))))
        message = "" if response.status < 300 else str(response.json().get("message"))
        reached = response.status < 300 or "denied request" in message
        return Answer(rules, reached or bool(rules), message)


def _authority(cluster: Mapping[str, Any]) -> str:
    import base64

    return base64.b64decode(cluster["certificate-authority-data"]).decode()


def _metadata(name: str) -> dict[str, Any]:
    return {"name": name, "labels": {_LABEL: "true"}}


def warning_copies(rules: tuple[Rule, ...], parameters: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    """The namespace, the parameters, and of each rule a policy and a binding that only warns."""
    yield {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}}
    yield {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "parameters", "namespace": NAMESPACE},
        "data": dict(parameters),
    }
    for rule in rules:
        policy = copy.deepcopy(dict(rule.policy))
        policy["metadata"] = _metadata(f"{_PREFIX}{rule.id}")
        for validation in policy["spec"]["validations"]:
            # All warnings of one answer share 4 KiB; whoever is told more is told less of each.
            validation.pop("messageExpression", None)
            validation["message"] = "no"
        yield policy
        yield _binding(rule)


def _binding(rule: Rule) -> dict[str, Any]:
    name = {"matchLabels": {"kubernetes.io/metadata.name": NAMESPACE}}
    spec: dict[str, Any] = {
        "policyName": f"{_PREFIX}{rule.id}",
        "validationActions": ["Warn"],
        "matchResources": {"namespaceSelector": name},
    }
    if "paramKind" in rule.policy["spec"]:
        spec["paramRef"] = {"name": "parameters", "namespace": NAMESPACE, "parameterNotFoundAction": "Deny"}
    return {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingAdmissionPolicyBinding",
        "metadata": _metadata(f"d.{rule.id}"),
        "spec": spec,
    }


def install(stack: Stack, rules: tuple[Rule, ...], parameters: Mapping[str, str]) -> ApiServer:
    """The server, when the last of the rules is in force."""
    objects = tuple(warning_copies(rules, parameters))
    probe = _always()
    done = stack.kubectl(
        "apply", "--server-side", "--validate=false", "--filename=-", stdin=as_json((*objects, *probe))
    )
    if done.returncode != 0:
        raise RuntimeError(done.stderr)
    server = ApiServer(stack)
    manifest = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x"}}
    eventually(lambda: ALWAYS in server.asked(manifest).rules, _READY_SECONDS)
    return server


def _always() -> tuple[dict[str, Any], dict[str, Any]]:
    rules = [{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["configmaps"]}]
    policy = {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingAdmissionPolicy",
        "metadata": _metadata(f"{_PREFIX}{ALWAYS}"),
        "spec": {
            "matchConstraints": {"resourceRules": rules},
            "validations": [{"expression": "false", "message": "no"}],
        },
    }
    return policy, {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingAdmissionPolicyBinding",
        "metadata": _metadata(f"d.{ALWAYS}"),
        "spec": {
            "policyName": f"{_PREFIX}{ALWAYS}",
            "validationActions": ["Warn"],
            "matchResources": {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": NAMESPACE}}},
        },
    }


def remove(stack: Stack) -> None:
    """Takes them out again: in objects without a namespace they would warn other tests too."""
    kinds = "validatingadmissionpolicybindings,validatingadmissionpolicies,namespaces"
    # Each kind at once: kubectl asks for one after the other, five in a second.
    for kind in kinds.split(","):
        group = "/api/v1" if kind == "namespaces" else "/apis/admissionregistration.k8s.io/v1"
        path = f"{group}/{kind}/{NAMESPACE}" if kind == "namespaces" else f"{group}/{kind}?labelSelector={_LABEL}=true"
        done = stack.kubectl("delete", f"--raw={path}")
        if done.returncode != 0:
            raise RuntimeError(done.stderr)
