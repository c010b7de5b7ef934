"""Keeps what the policies of a cluster are given as it should be: a waiver that has ended goes by itself."""

from __future__ import annotations

import structlog

from configuration.parameters import policy_parameters
from configuration.settings import Settings
from pipelines.apps import ClusterName
from pipelines.days import today
from pipelines.errors import GatewayError
from pipelines.ports import Cluster
from store import Store

_log = structlog.get_logger("workers.parameters")


def keep_parameters(settings: Settings, store: Store, name: ClusterName, cluster: Cluster) -> None:
    """Writes them where they differ. Raises nothing: it is tried again in a moment, and before each rollout."""
    day = today()
    try:
        data = policy_parameters(settings, name, store.waivers.in_force(day), day)
        if cluster.write_parameters(data):
            _log.info("the policies' parameters were renewed", cluster=name)
    except GatewayError as error:
        _log.warning("the policies' parameters could not be renewed", code=error.code, reason=error.reason)
