"""The ConfigMap that the policies of a cluster take their parameters from."""

from __future__ import annotations

from collections.abc import Mapping

from pipelines.adapters.kube.connection import Connection, Refused
from pipelines.cluster import SERVICE_ACCOUNT_NAMESPACE
from pipelines.errors import ClusterUnavailable
from pipelines.rules import PARAMETERS_NAME

_PATH = f"/api/v1/namespaces/{SERVICE_ACCOUNT_NAMESPACE}/configmaps/{PARAMETERS_NAME}"
_ATTEMPTS = 5


def write_parameters(connection: Connection, data: Mapping[str, str]) -> bool:
    """Makes `data` what the policies are given, and whether it was something else before.

    Where somebody took them away they are made again: without them the policies refuse all. Where the namespace of the
    gateway is not there either, no policies are installed, and none are made. Several may write at the same time: who
    comes second looks again. Raises `Refused`, `ClusterUnavailable`.
    """
    for _ in range(_ATTEMPTS):
        found = connection.find(_PATH)
        if found is not None and (found.get("data") or {}) == data:
            return False
        try:
            if found is None:
                return _made(connection, data)
            connection.replace(_PATH, {**found, "data": dict(data)})
        except Refused as refused:
            if refused.status != 409:
                raise
        else:
            return True
    raise ClusterUnavailable(
        f"the ConfigMap {PARAMETERS_NAME} was changed by others {_ATTEMPTS} times in a row",
        "See that all deploy workers of the cluster have the same gateway.yaml",
    )


def _made(connection: Connection, data: Mapping[str, str]) -> bool:
    """Whether it could be made. Without the right to, the policies say themselves that they have no parameters."""
    metadata = {"name": PARAMETERS_NAME, "namespace": SERVICE_ACCOUNT_NAMESPACE}
    manifest = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": dict(data)}
    try:
        connection.apply(_PATH, manifest, dry_run=False, force=False)
    except Refused as refused:
        if refused.status not in (403, 404):
            raise
        return False
    return True
