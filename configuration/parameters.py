"""What the policies of one cluster take from the platform: from gateway.yaml, and the waivers that are in force."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date

from configuration.settings import Settings
from pipelines.apps import ClusterName
from pipelines.rules import parameters
from pipelines.waivers import Waiver, parameter_lines


def policy_parameters(
    settings: Settings, cluster: ClusterName, waivers: Iterable[Waiver], day: date
) -> Mapping[str, str]:
    """The data of the ConfigMap in `cluster`, as it is on `day`, in UTC."""
    environments = settings.environments_of(cluster)
    lines = parameter_lines(waivers, settings.apps, environments, day)
    prefixes = tuple(one.prefix for one in settings.registries)
    return parameters(prefixes, environments, apps=tuple(settings.apps.values()), waivers=lines)
