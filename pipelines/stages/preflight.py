"""preflight: is it still what was checked, and will this cluster take it. Only the namespace is written to."""

from __future__ import annotations

from pipelines.bundle import Bundle
from pipelines.cluster import MANAGED_LABEL
from pipelines.diff import change
from pipelines.errors import BundleMismatch
from pipelines.manifests import parse
from pipelines.ports import Change, Cluster, Helm


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


def preflight(bundle: Bundle, cluster: Cluster, *, dry_run: bool) -> tuple[Change, ...]:
    """What would change. Raises `PreflightRefused` with all that the cluster refuses.

    The namespace is made or labelled first, since no object can be tried in one that isn't there; for a dry run
    it is not, and then all objects are shown as created without having been tried.
    """
    objects = parse(bundle.manifest)
    if not dry_run:
        cluster.ensure_namespace(bundle.namespace, namespace_labels(bundle))
    elif not cluster.namespace_exists(bundle.namespace):
        return tuple(change(None, one) for one in objects)
    return cluster.dry_run(objects, namespace=bundle.namespace)


def namespace_labels(bundle: Bundle) -> dict[str, str]:
    """The labels of a namespace that only the gateway writes in."""
    return {
        MANAGED_LABEL: "true",
        "deploy-gateway.dev/app": bundle.app,
        "deploy-gateway.dev/team": bundle.team,
        "deploy-gateway.dev/environment": bundle.environment,
        "pod-security.kubernetes.io/enforce": "restricted",
        "pod-security.kubernetes.io/enforce-version": "latest",
        "istio-injection": "enabled",
    }
