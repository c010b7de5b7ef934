"""A Helm release that a crash left in `pending-*`: set to failed, so that the next attempt can go on.

Helm's own releases are Secrets `sh.helm.release.v1.NAME.vN`, gzipped JSON in base64 (helm.sh/helm/v4/pkg/storage).
"""

from __future__ import annotations

import base64
import gzip
import json
from typing import Any

from pipelines.adapters.kube.connection import Connection

_PENDING = ("pending-install", "pending-upgrade", "pending-rollback", "uninstalling")


def recover_pending(connection: Connection, release: str, namespace: str) -> str | None:
    """See `pipelines.ports.Cluster.recover_pending`. Only the newest revision can be pending."""
    selector = f"owner=helm,name={release}"
    path = f"/api/v1/namespaces/{namespace}/secrets"
    found = connection.get(path, labelSelector=selector)["items"]
    if not found:
        return None
    newest = max(found, key=lambda secret: int(secret["metadata"]["labels"]["version"]))
    labels = newest["metadata"]["labels"]
    status = labels["status"]
    if status not in _PENDING:
        return None
    document = _decode(newest["data"]["release"])
    document["info"]["status"] = "failed"
    document["info"]["description"] = f"was left in {status} when its worker died; set to failed by the deploy gateway"
    labels["status"] = "failed"
    newest["data"]["release"] = _encode(document)
    connection.replace(f"{path}/{newest['metadata']['name']}", {"apiVersion": "v1", "kind": "Secret", **newest})
    return f"{status}, revision {labels['version']}"


def _decode(data: str) -> Any:
    return json.loads(gzip.decompress(base64.b64decode(base64.b64decode(data))))


def _encode(document: Any) -> str:
    packed = gzip.compress(json.dumps(document, separators=(",", ":")).encode())
    return base64.b64encode(base64.b64encode(packed)).decode("ascii")
