"""A namespace that only the gateway writes in: its labels, and which pods the API server lets into it."""

from __future__ import annotations

from collections.abc import Iterable

from pipelines.apps import Environment, Mesh
from pipelines.bundle import Bundle
from pipelines.cluster import APP_LABEL, ENVIRONMENT_LABEL, MANAGED_LABEL
from pipelines.findings import Mode
from pipelines.waivers import Waiver

POD_SECURITY_LABEL = "pod-security.kubernetes.io/enforce"
"""What the API server's own Pod Security Admission holds all pods of a namespace to."""

# The rules that say what the Pod Security Standard `restricted` says.
RESTRICTED = (
    *("apparmor", "capabilities", "host-access", "host-path", "host-ports", "no-privileges", "privilege-escalation"),
    *("probe-hosts", "proc-mount", "run-as-non-root", "seccomp", "selinux", "sysctls", "volume-types"),
)


def namespace_labels(bundle: Bundle, environment: Environment, waivers: Iterable[Waiver]) -> dict[str, str]:
    """The labels, where `waivers` are in force for the App.

    Pod Security Admission knows nothing of modes and waivers, and refuses pods, which come after the Release was let
    in: where one of the rules of its standard only warns or is waived, it lets all pass, and the rules alone decide.
    """
    is_held = all(environment.mode_of(rule) is Mode.ENFORCE for rule in RESTRICTED)
    is_waived = any(waiver.rule in RESTRICTED for waiver in waivers)
    return {
        MANAGED_LABEL: "true",
        APP_LABEL: bundle.app,
        "deploy-gateway.dev/team": bundle.team,
        ENVIRONMENT_LABEL: bundle.environment,
        POD_SECURITY_LABEL: "restricted" if is_held and not is_waived else "privileged",
        "pod-security.kubernetes.io/enforce-version": "latest",
        "pod-security.kubernetes.io/warn": "restricted",
        "istio-injection": "enabled" if environment.mesh is Mesh.ISTIO else "disabled",
    }
