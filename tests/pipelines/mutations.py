"""One change to a good App for each thing that a rule refuses; offline and on an API server alike."""

from __future__ import annotations

from tests.pipelines.mutations_mesh import MESH
from tests.pipelines.mutations_network import NETWORK
from tests.pipelines.mutations_pods import PODS
from tests.pipelines.mutations_scope import SCOPE

MUTATIONS = (*PODS, *MESH, *NETWORK, *SCOPE)
