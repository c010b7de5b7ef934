"""verify: the API server is asked whether what was checked is what runs. Helm's word alone is not taken."""

from __future__ import annotations

from pipelines.bundle import Bundle
from pipelines.errors import RolloutFailed
from pipelines.hooks import hook_events
from pipelines.manifests import parse
from pipelines.ports import Cluster


def verify(bundle: Bundle, cluster: Cluster) -> int:
    """How many objects were found as they should be, hooks apart. Raises `RolloutFailed`, naming each that isn't."""
    objects = tuple(one for one in parse(bundle.manifest) if not hook_events(one))
    differences = cluster.verify(objects, namespace=bundle.namespace)
    if differences:
        raise RolloutFailed(
            f"Helm says it is rolled out, and the cluster says otherwise: {'; '.join(differences)}",
            "Release again; if it stays so, something else writes to these objects",
        )
    return len(objects)
