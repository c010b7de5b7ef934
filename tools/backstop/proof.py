"""Asks a cluster, and says of each answer whether it proves what it should. Unknown is never a proof."""

from __future__ import annotations

import json
import re
import secrets
import subprocess
import time
from collections.abc import Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum

from pipelines.backstop import Exceptions
from pipelines.cluster import SERVICE_ACCOUNT_NAMESPACE, VERIFY_NAMESPACE
from pipelines.errors import NotFound
from pipelines.examples import Examples
from pipelines.ports import Manifest
from pipelines.refusals import policies_that_warn, policy_of
from pipelines.rules import as_json
from tools.backstop.kubectl import Kubectl
from tools.backstop.trials import PASSES, Identity, Trial, trials

_BY_RBAC = re.compile(r"is forbidden: User \"[^\"]*\" cannot|attempting to grant RBAC permissions")
_NO_SUCH_KIND = "the server could not find the requested resource"
_AT_ONCE = 4
# The server takes up a new right of RBAC, and a policy that was just installed, in a moment.
_PATIENCE_SECONDS = 5.0
_RIGHTS = (
    {"apiGroups": [""], "resources": ["pods", "secrets"], "verbs": ["create"]},
    {"apiGroups": [""], "resources": ["serviceaccounts/token"], "verbs": ["create"]},
)


class Verdict(StrEnum):
    """What an answer says. Only `proven` and `absent` are good; `absent` says that the cluster has no such kind."""

    PROVEN = "proven"
    ABSENT = "absent"
    FAILED = "failed"
    UNPROVEN = "unproven"


@dataclass(frozen=True, slots=True)
class Proof:
    """What came of one trial: `seen` in a few words."""

    trial: Trial
    verdict: Verdict
    seen: str

    @property
    def is_good(self) -> bool:
        """Whether this one leaves nothing to do."""
        return self.verdict in (Verdict.PROVEN, Verdict.ABSENT)


def verify(kubectl: Kubectl, examples: Examples, exceptions: Exceptions, warned: Collection[str]) -> list[Proof]:
    """The proofs of all trials; see `trials` for the rules `warned`.

    Writes nothing but a Role for somebody whose name nobody knows, for as long as it takes. Raises `NotFound` where
    the backstop is not installed, and what `Kubectl` raises.
    """
    if not kubectl.items("namespace", VERIFY_NAMESPACE):
        raise NotFound(
            f"the cluster has no namespace {VERIFY_NAMESPACE}",
            "Install the backstop first: deploy-gateway cluster install",
            where="cluster",
        )
    with _somebody(kubectl) as someone, ThreadPoolExecutor(_AT_ONCE) as pool:
        asked = trials(examples, exceptions, warned, someone)
        deadline = time.monotonic() + _PATIENCE_SECONDS
        return list(pool.map(lambda trial: _asked(kubectl, trial, examples.broken, deadline), asked))


def _asked(kubectl: Kubectl, trial: Trial, policies: Collection[str], deadline: float) -> Proof:
    while True:
        proof = judged(trial, _ask(kubectl, trial), policies)
        if proof.is_good or time.monotonic() > deadline:
            return proof
        time.sleep(0.2)


def _ask(kubectl: Kubectl, trial: Trial) -> subprocess.CompletedProcess[str]:
    words = ("create", f"--raw={trial.path}", "--filename=-", *trial.who.words())
    return kubectl.run(*words, stdin=json.dumps(trial.manifest))


def judged(trial: Trial, answer: subprocess.CompletedProcess[str], policies: Collection[str]) -> Proof:
    """What kubectl's `answer` proves; `policies` are the rules.

    A refusal by RBAC, or by anything else than a policy of ours, proves nothing.
    """
    said = " ".join(answer.stderr.split())
    if answer.returncode == 0:
        warned = trial.is_warned and trial.expected in policies_that_warn(said)
        passes = trial.expected == PASSES or warned
        seen = f"warned of by {trial.expected}" if warned else PASSES
        return Proof(trial, Verdict.PROVEN if passes else Verdict.FAILED, seen)
    if policy := policy_of(said):
        expected = policy == trial.expected or (trial.may_be_another and policy in policies)
        return Proof(trial, Verdict.PROVEN if expected else Verdict.FAILED, f"refused by {policy}")
    if _NO_SUCH_KIND in said:
        return Proof(trial, Verdict.ABSENT, f"the cluster has no {trial.manifest['kind']} in this version")
    if _BY_RBAC.search(said):
        return Proof(trial, Verdict.UNPROVEN, f"refused by RBAC, before any policy was asked: {said[:200]}")
    return Proof(trial, Verdict.UNPROVEN, f"another answer: {said[:200]}")


@contextmanager
def _somebody(kubectl: Kubectl) -> Iterator[Identity]:
    """Somebody who may write beside the gateway by RBAC alone, and is no administrator."""
    name = f"deploy-gateway-verify-{secrets.token_hex(8)}"
    kubectl.must("create", "--filename=-", stdin=as_json(tuple(_role(name))))
    try:
        yield Identity("who has rights there by RBAC", name, ("system:authenticated",))
    finally:
        kubectl.run("delete", "role,rolebinding", name, f"--namespace={SERVICE_ACCOUNT_NAMESPACE}", "--wait=false")


def _role(name: str) -> Iterator[Manifest]:
    group = "rbac.authorization.k8s.io"
    metadata = {"name": name, "namespace": SERVICE_ACCOUNT_NAMESPACE}
    yield {"apiVersion": f"{group}/v1", "kind": "Role", "metadata": metadata, "rules": list(_RIGHTS)}
    yield {
        "apiVersion": f"{group}/v1",
        "kind": "RoleBinding",
        "metadata": metadata,
        "roleRef": {"apiGroup": group, "kind": "Role", "name": name},
        "subjects": [{"apiGroup": group, "kind": "User", "name": name}],
    }
