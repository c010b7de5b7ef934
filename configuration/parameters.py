"""What the policies of one cluster take from the platform: from gateway.yaml, and the waivers that are in force."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import date

from configuration.settings import Settings
from pipelines.apps import ClusterName
from pipelines.rules import parameters
from pipelines.waivers import Waiver, parameter_lines


def platform_parameters(settings: Settings, cluster: ClusterName) -> Mapping[str, str]:
    """What gateway.yaml alone says: all but the waivers, which the cluster's deploy worker writes."""
    return _parameters(settings, cluster, None)


def policy_parameters(
    settings: Settings, cluster: ClusterName, waivers: Iterable[Waiver], day: date
) -> Mapping[str, str]:
    """The data of the ConfigMap in `cluster`, as it is on `day`, in UTC."""
    lines = parameter_lines(waivers, settings.apps, settings.environments_of(cluster), day)
    return _parameters(settings, cluster, lines)


def _parameters(settings: Settings, cluster: ClusterName, waivers: Collection[str] | None) -> Mapping[str, str]:
    prefixes = tuple(one.prefix for one in settings.registries)
    environments = settings.environments_of(cluster)
    return parameters(prefixes, environments, apps=settings.apps.values(), waivers=waivers)
