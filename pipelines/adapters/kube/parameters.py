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

    Where the policies are not installed there is none, and none is made. Several may write at the same time: who
    comes second looks again. Raises `Refused`, `ClusterUnavailable`.
    """
    for _ in range(_ATTEMPTS):
        found = connection.find(_PATH)
        if found is None or (found.get("data") or {}) == data:
            return False
        try:
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
