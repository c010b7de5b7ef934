"""One change to a good App for each thing that a rule refuses; offline and on an API server alike."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.pipelines.mutation import Mutation
from tests.pipelines.mutations_mesh import MESH
from tests.pipelines.mutations_network import NETWORK
from tests.pipelines.mutations_pods import PODS
from tests.pipelines.mutations_scope import SCOPE


def _template(rule: str, what: str, change: Callable[[Any], object]) -> Mutation:
    return Mutation(rule, what, "Deployment", lambda one: change(one["spec"]["template"]["metadata"]))


MUTATIONS = (
    *PODS,
    _template("mesh-injection", "a label", lambda one: one["labels"].update({"sidecar.istio.io/inject": "false"})),
    _template(
        "mesh-injection", "an annotation", lambda one: one.update(annotations={"sidecar.istio.io/inject": "false"})
    ),
    _template(
        "mesh-injection",
        "traffic taken out",
        lambda one: one.update(annotations={"traffic.sidecar.istio.io/excludeInboundPorts": "8080"}),
    ),
    *MESH,
    *NETWORK,
    *SCOPE,
)
