"""The Bundle: the frozen input of a rollout, named by the sha256 of its bytes.

It carries everything that the deploy zone needs, the chart included, so that a rollout or a rollback
depends on no Git server, registry or check worker.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NewType

from pipelines.digests import content_digest
from pipelines.errors import BundleMismatch

BundleDigest = NewType("BundleDigest", str)
"""`sha256:` and 64 hex digits."""

_FORMAT = 1


@dataclass(frozen=True, slots=True)
class Bundle:
    """Chart, values, resolved images and the manifest they render to.

    `chart` is a gzipped tar as `helm package` makes it; `values` JSON-compatible; `images` maps what was
    written to what is deployed (`repository@sha256:…` where the tag was resolved); `manifest` is UTF-8
    YAML, exactly the bytes that helm renders and the checks have seen.
    """

    app: str
    environment: str
    team: str
    cluster: str
    namespace: str
    commit: str
    kubernetes_version: str
    api_versions: tuple[str, ...]
    chart_name: str
    chart_version: str
    chart: bytes
    values: Mapping[str, Any]
    images: Mapping[str, str]
    manifest: bytes

    @property
    def helm_release(self) -> str:
        """Helm's name for the release: the App's, since the namespace is the App's own."""
        return self.app


def freeze(bundle: Bundle) -> tuple[BundleDigest, bytes]:
    """The Bundle as canonical JSON (sorted keys, no spaces, UTF-8) and the digest of those bytes."""
    document = {
        "format": _FORMAT,
        "app": bundle.app,
        "environment": bundle.environment,
        "team": bundle.team,
        "cluster": bundle.cluster,
        "namespace": bundle.namespace,
        "commit": bundle.commit,
        "kubernetesVersion": bundle.kubernetes_version,
        "apiVersions": list(bundle.api_versions),
        "chart": {
            "name": bundle.chart_name,
            "version": bundle.chart_version,
            "archive": base64.b64encode(bundle.chart).decode("ascii"),
        },
        "values": bundle.values,
        "images": dict(bundle.images),
        "manifest": bundle.manifest.decode("utf-8"),
    }
    content = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode("utf-8")
    return digest_of(content), content


def digest_of(content: bytes) -> BundleDigest:
    """The name that `content` has as a Bundle."""
    return BundleDigest(content_digest(content))


def thaw(digest: BundleDigest, content: bytes) -> Bundle:
    """The Bundle called `digest`; raises `BundleMismatch` when a byte of `content` differs from what was frozen."""
    actual = digest_of(content)
    if actual != digest:
        raise BundleMismatch(
            f"the stored Bundle has the digest {actual}, not {digest}",
            "Nothing was deployed. Release the same ref again, and look for who can write to the store",
        )
    document = json.loads(content)
    if document["format"] != _FORMAT:
        raise BundleMismatch(
            f"the Bundle has format {document['format']}, this worker reads {_FORMAT}",
            "Release the same ref again, so that it is frozen in the current format",
        )
    return Bundle(
        app=document["app"],
        environment=document["environment"],
        team=document["team"],
        cluster=document["cluster"],
        namespace=document["namespace"],
        commit=document["commit"],
        kubernetes_version=document["kubernetesVersion"],
        api_versions=tuple(document["apiVersions"]),
        chart_name=document["chart"]["name"],
        chart_version=document["chart"]["version"],
        chart=base64.b64decode(document["chart"]["archive"], validate=True),
        values=document["values"],
        images=document["images"],
        manifest=document["manifest"].encode("utf-8"),
    )
