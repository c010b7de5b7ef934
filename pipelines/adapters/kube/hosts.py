"""Who exposes a host already, in whatever namespace."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

from pipelines.adapters.kube.connection import Connection
from pipelines.hosts import EXPOSING, hosts_of
from pipelines.manifests import name_of
from pipelines.ports import HostHolder

_APP_LABEL = "deploy-gateway.dev/app"
_PAGE = 500


def host_holders(connection: Connection, hosts: Collection[str], namespace: str) -> tuple[HostHolder, ...]:
    """See `pipelines.ports.Cluster.host_holders`."""
    return tuple(
        HostHolder(host, name_of(one), one["metadata"]["namespace"], _app(one))
        for group, kind in EXPOSING
        for one in _all(connection, group, kind)
        if one["metadata"]["namespace"] != namespace
        for host in hosts_of(one)
        if host in hosts
    )


def _all(connection: Connection, group: str, kind: str) -> Iterator[Any]:
    """All objects of a kind in all namespaces; none where the cluster has no such kind."""
    about = connection.find(f"/apis/{group}")
    version = about["preferredVersion"]["groupVersion"] if about is not None else None
    query: dict[str, str | int] = {"limit": _PAGE}
    while version is not None:
        page = connection.find(f"/apis/{version}/{EXPOSING[group, kind]}", **query)
        if page is None:
            return
        # A list does not repeat in each item what all of them are.
        yield from ({"apiVersion": version, "kind": kind, **one} for one in page["items"])
        if not page["metadata"].get("continue"):
            return
        query["continue"] = page["metadata"]["continue"]


def _app(live: Any) -> str:
    return str((live["metadata"].get("labels") or {}).get(_APP_LABEL, ""))
