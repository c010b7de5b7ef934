"""preflight: is it still what was checked, and will this cluster take it. Only the namespace is written to."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pipelines.apps import Environment, Mesh
from pipelines.bundle import Bundle
from pipelines.cluster import APP_LABEL, ENVIRONMENT_LABEL, MANAGED_LABEL
from pipelines.diff import change
from pipelines.errors import BundleMismatch
from pipelines.findings import Mode
from pipelines.hosts import insist_on_free_hosts, wanted_by
from pipelines.manifests import parse
from pipelines.ports import Change, Cluster, Helm, Manifest

# Helm runs a hook beside what it manages, and leaves alone what says so.
_HOOK, _KEEP = "helm.sh/hook", "helm.sh/resource-policy"
# The rules that say what the Pod Security Standard `restricted` says.
RESTRICTED = (
    *("apparmor", "capabilities", "host-access", "host-path", "host-ports", "no-privileges", "privilege-escalation"),
    *("probe-hosts", "proc-mount", "run-as-non-root", "seccomp", "selinux", "sysctls", "volume-types"),
)


def verify_bundle(bundle: Bundle, helm: Helm, *, timeout_seconds: float) -> None:
    """Renders the Bundle again, and raises `BundleMismatch` unless every byte is what was checked."""
    again = helm.template(
        release=bundle.helm_release,
        namespace=bundle.namespace,
        chart=bundle.chart,
        values=bundle.values,
        kubernetes_version=bundle.kubernetes_version,
        api_versions=bundle.api_versions,
        timeout_seconds=timeout_seconds,
    )
    if again != bundle.manifest:
        raise BundleMismatch(
            "chart and values of the Bundle render to something else than what was checked",
            "Nothing was deployed. Release the same ref again; if it stays so, the two workers have different Helms",
        )


def preflight(
    bundle: Bundle, environment: Environment, runs: bytes, cluster: Cluster, *, dry_run: bool
) -> tuple[Change, ...]:
    """What would change; `runs` is the manifest that runs now, empty when nothing does.

    Raises `PreflightRefused` with all that the cluster refuses, or with the hosts that others expose already.

    The namespace is made or labelled first, since no object can be tried in one that isn't there; for a dry run
    it is not, and then all objects are shown as created without having been tried.
    """
    objects = parse(bundle.manifest)
    hosts = wanted_by(objects)
    if hosts:
        insist_on_free_hosts(objects, cluster.host_holders(hosts, namespace=bundle.namespace))
    if not dry_run:
        cluster.ensure_namespace(bundle.namespace, namespace_labels(bundle, environment))
    elif not cluster.namespace_exists(bundle.namespace):
        return tuple(change(None, one) for one in objects)
    return (*cluster.dry_run(objects, namespace=bundle.namespace), *_removed(parse(runs), objects))


def _removed(before: Iterable[Manifest], after: Iterable[Manifest]) -> Iterable[Change]:
    """What Helm deletes when `after` takes the place of `before`, as it was rolled out."""
    left = {_identity(one) for one in after if _HOOK not in _annotations(one)}
    for one in before:
        annotations = _annotations(one)
        is_kept = _HOOK in annotations or annotations.get(_KEEP) == "keep"
        if not is_kept and _identity(one) not in left:
            yield change(one, None)


def _identity(manifest: Manifest) -> tuple[str, ...]:
    """What makes an object the same one to Helm: a newer version of its API does not make it another."""
    group = str(manifest["apiVersion"]).rpartition("/")[0]
    metadata = manifest["metadata"]
    return group, str(manifest["kind"]), str(metadata.get("namespace", "")), str(metadata["name"])


def _annotations(manifest: Manifest) -> dict[str, Any]:
    return manifest["metadata"].get("annotations") or {}


def namespace_labels(bundle: Bundle, environment: Environment) -> dict[str, str]:
    """The labels of a namespace that only the gateway writes in.

    Pod Security Admission looks at Pods, which come after the Release was let in: where a rule of its standard
    only warns, it must not refuse them either.
    """
    is_enforced = all(environment.mode_of(rule) is Mode.ENFORCE for rule in RESTRICTED)
    return {
        MANAGED_LABEL: "true",
        APP_LABEL: bundle.app,
        "deploy-gateway.dev/team": bundle.team,
        ENVIRONMENT_LABEL: bundle.environment,
        "pod-security.kubernetes.io/enforce": "restricted" if is_enforced else "privileged",
        "pod-security.kubernetes.io/enforce-version": "latest",
        "pod-security.kubernetes.io/warn": "restricted",
        "istio-injection": "enabled" if environment.mesh is Mesh.ISTIO else "disabled",
    }
