"""Releases of checkout in staging, for tests of what becomes of them once they are accepted."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pipelines.apps import ClusterName
from pipelines.states import ReleaseKind
from store import NewRelease, Release, Store

Accept = Callable[..., Release]


def accepting(store: Store) -> Accept:
    """What accepts a Release of checkout in staging, with whatever else is asked for."""

    def accept(**more: Any) -> Release:
        wanted: dict[str, Any] = {
            "kind": ReleaseKind.RELEASE,
            "app": "checkout",
            "environment": "staging",
            "team": "shop",
            "cluster": ClusterName("local"),
            "namespace": "checkout-staging",
            "ref": "main",
            "dry_run": False,
            "requested_by": "somebody",
            "reason": "",
        }
        return store.releases.accept(NewRelease(**{**wanted, **more}))

    return accept
