"""preflight: is it still what was checked, and will this cluster take it. Only the namespace is written to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from pipelines.bundle import Bundle
from pipelines.diff import change
from pipelines.errors import BundleMismatch
from pipelines.hosts import insist_on_free_hosts, wanted_by
from pipelines.manifests import parse
from pipelines.namespaces import POD_SECURITY_LABEL
from pipelines.ports import Change, Cluster, Helm, Manifest

# Helm runs a hook beside what it manages, and leaves alone what says so.
_HOOK, _KEEP = "helm.sh/hook", "helm.sh/resource-policy"


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
    bundle: Bundle, labels: Mapping[str, str], runs: bytes, cluster: Cluster, *, dry_run: bool
) -> tuple[Change, ...]:
    """What would change; `labels` are the namespace's, `runs` the manifest that runs now, empty when nothing does.

    Raises `PreflightRefused` with all that the cluster refuses, or with the hosts that others expose already.

    The namespace is made or labelled first, since no object can be tried in one that isn't there; for a dry run
    it is not, and then all objects are shown as created without having been tried. To more pods it is opened here;
    to fewer not before they have gone, so that what runs can restart, and Helm can put it back.
    """
    objects = parse(bundle.manifest)
    hosts = wanted_by(objects)
    if hosts:
        insist_on_free_hosts(objects, cluster.host_holders(hosts, namespace=bundle.namespace))
    if not dry_run:
        is_open = labels[POD_SECURITY_LABEL] == "privileged"
        cluster.ensure_namespace(bundle.namespace, labels, kept=() if is_open else (POD_SECURITY_LABEL,))
    elif not cluster.namespace_exists(bundle.namespace):
        return tuple(change(None, one) for one in objects)
    return (*cluster.dry_run(objects, namespace=bundle.namespace), *_removed(parse(runs), objects))


def _removed(before: Iterable[Manifest], after: Iterable[Manifest]) -> Iterable[Change]:
    """What Helm deletes when `after` takes the place of `before`, as it was rolled out."""
    left = {_identity(one) for one in after if _HOOK not in _annotations(one)}
    for one in before:
        annotations = _annotations(one)
        is_kept = _HOOK in annotations or str(annotations.get(_KEEP)).strip().lower() == "keep"
        if not is_kept and _identity(one) not in left:
            yield change(one, None)


def _identity(manifest: Manifest) -> tuple[str, ...]:
    """What makes an object the same one to Helm: a newer version of its API does not make it another."""
    group = str(manifest["apiVersion"]).rpartition("/")[0]
    metadata = manifest["metadata"]
    return group, str(manifest["kind"]), str(metadata.get("namespace", "")), str(metadata["name"])


def _annotations(manifest: Manifest) -> dict[str, Any]:
    return manifest["metadata"].get("annotations") or {}
