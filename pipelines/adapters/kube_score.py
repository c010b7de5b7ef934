"""kube-score, as a program: its grades as findings. No answer that can't be counted is taken for a pass."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

from pipelines.errors import CheckCrashed
from pipelines.findings import Finding, Mode, Severity
from pipelines.ports import CheckSubject
from pipelines.resources import WORKLOADS

_CRITICAL, _WARNING = 1, 5
_TIMEOUT_SECONDS = 30.0
_LINK = "https://github.com/zegl/kube-score/blob/master/README_CHECKS.md"

# What our own rules say better and with the field: these would be the same finding twice.
_OURS = frozenset(
    {
        "container-image-tag",
        "container-security-context-privileged",
        "container-security-context-readonlyrootfilesystem",
        "container-security-context-user-group-id",
        "container-seccomp-profile",
        "container-resources",
    }
)
_SEEN_KINDS = WORKLOADS | {"Service", "NetworkPolicy", "PodDisruptionBudget", "Ingress", "HorizontalPodAutoscaler"}

_WHY_AND_HOW = {
    "pod-networkpolicy": (
        "Without a NetworkPolicy every pod of the cluster may call this one, and it may call everything.",
        "Add a NetworkPolicy that selects these pods, with policyTypes [Ingress, Egress] and the callers by name",
    ),
    "pod-probes": (
        "Without a readiness probe requests go to pods that can't answer yet; one path for both restarts busy pods.",
        "readinessProbe: {httpGet: {path: /ready, port: 8080}}\nlivenessProbe: {httpGet: {path: /live, port: 8080}}",
    ),
    "deployment-has-poddisruptionbudget": (
        "A node that is drained may take all replicas at the same moment.",
        "kind: PodDisruptionBudget\nspec: {maxUnavailable: 1, selector: {matchLabels: {app.kubernetes.io/name: APP}}}",
    ),
    "deployment-has-host-podantiaffinity": (
        "All replicas may be on one node, and be gone with it.",
        "affinity:\n  podAntiAffinity:\n    preferredDuringSchedulingIgnoredDuringExecution:\n"
        "      - {weight: 100, podAffinityTerm: {topologyKey: kubernetes.io/hostname, labelSelector: …}}",
    ),
    "deployment-replicas": ("One replica is none while it restarts.", "replicas: 2"),
    "container-ephemeral-storage-request-and-limit": (
        "A log file that grows fills the disk of the node, and all pods on it are evicted.",
        "resources: {requests: {ephemeral-storage: 64Mi}, limits: {ephemeral-storage: 256Mi}}",
    ),
    "container-image-pull-policy": (
        "A node that has an image by that name uses it, whoever put it there.",
        "imagePullPolicy: Always",
    ),
    "service-targets-pod": ("The Service has no pods behind it.", "Make its selector fit the labels of the pods"),
}


class KubeScore:
    """Implements `pipelines.ports.Check`."""

    name = "kube-score"

    def __init__(self, program: Path) -> None:
        self._program = program

    def findings(self, subject: CheckSubject) -> tuple[Finding, ...]:
        """See `pipelines.ports.Check.findings`."""
        expected = sum(1 for one in subject.objects if one["kind"] in _SEEN_KINDS)
        if expected == 0:
            return ()  # nothing that it knows: it would print `null`, and everything else here looks at those
        scored = self._run(subject)
        if len(scored) < expected:
            raise CheckCrashed(
                f"kube-score saw {len(scored)} of {expected} objects", "Report it: a kind is not read as it should be"
            )
        return tuple(finding for one in scored for check in one["checks"] for finding in _findings(one, check))

    def _run(self, subject: CheckSubject) -> list[dict[str, Any]]:
        major_minor = re.match(r"v\d+\.\d+", subject.facts.kubernetes_version)
        documents = b"---\n".join(
            json.dumps(_with_namespace(one, subject.namespace), ensure_ascii=False).encode() + b"\n"
            for one in subject.objects
        )
        command = [
            str(self._program),
            "score",
            "--output-format=json",
            # A team's annotations waive nothing.
            "--disable-ignore-checks-annotations",
            "--disable-optional-checks-annotations",
            f"--kubernetes-version={major_minor.group(0) if major_minor else 'v1.36'}",
            "-",
        ]
        try:
            done = subprocess.run(
                command, input=documents, capture_output=True, timeout=_TIMEOUT_SECONDS, env={}, check=False
            )
        except subprocess.TimeoutExpired as error:
            raise CheckCrashed(f"kube-score took longer than {_TIMEOUT_SECONDS:.0f} s", "Release again") from error
        except OSError as error:
            raise CheckCrashed(f"kube-score could not be run: {error.strerror}", "The platform looks at it") from error
        try:
            scored = json.loads(done.stdout)
        except ValueError as error:
            words = done.stderr.decode("utf-8", "replace").strip()[-300:] or f"exit code {done.returncode}"
            raise CheckCrashed(f"kube-score gave no answer: {words}", "Correct what it names, or report it") from error
        if not isinstance(scored, list):
            raise CheckCrashed("kube-score looked at nothing", "Report it: this manifest is not read as it should be")
        return scored


def _with_namespace(manifest: Any, namespace: str) -> Any:
    # It compares namespaces to see which policy selects which pod, and helm leaves them to the request.
    return {**manifest, "metadata": {**(manifest.get("metadata") or {}), "namespace": namespace}}


def _findings(scored: dict[str, Any], check: dict[str, Any]) -> list[Finding]:
    about = check["check"]
    if check["skipped"] or check["grade"] > _WARNING or about["id"] in _OURS:
        return []
    is_critical = check["grade"] <= _CRITICAL
    why, how = _WHY_AND_HOW.get(about["id"], (about["comment"], ""))
    comments = check["comments"] or [{"path": "", "summary": about["name"], "description": about["comment"]}]
    return [
        Finding(
            rule=f"kube-score/{about['id']}",
            severity=Severity.HIGH if is_critical else Severity.LOW,
            mode=Mode.ENFORCE if is_critical else Mode.WARN,
            resource=f"{scored['type_meta']['kind']}/{scored['object_meta']['name']}",
            field="",
            source="",
            what=f"{comment['path']}: {comment['summary']}" if comment["path"] else comment["summary"],
            why=why,
            how=how or comment["description"],
            link=f"{_LINK}#{about['id']}",
            found_by="kube-score",
        )
        for comment in comments
    ]
