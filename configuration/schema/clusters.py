"""`clusters`: each by name, and what kube-bench measures there."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from configuration.schema.section import Section
from configuration.schema.texts import ONE_LINE, Day, Label, Name
from pipelines.benchmark import PRIVILEGES

BenchmarkSection = Literal["master", "etcd", "controlplane", "node", "policies", "managedservices"]


class KubeBenchSection(Section):
    """Where kube-bench runs, and who has reviewed that it runs with privileges that nothing else has."""

    namespace: Label = Field(
        default="deploy-gateway-kube-bench", description="The namespace that the chart deploy-gateway runs it in."
    )
    exempted_by: str = Field(
        min_length=1,
        max_length=100,
        pattern=ONE_LINE,
        description=f"Who has reviewed that it runs there with {', '.join(PRIVILEGES)}.",
    )
    reason: str = Field(
        default="kube-bench reads the processes and files of its node, and changes nothing",
        min_length=1,
        max_length=300,
        pattern=ONE_LINE,
        description="Why that may be.",
    )
    until: Day = Field(description='The last day of it, such as "2027-06-30"; after it nothing is collected.')


class ClusterEntry(Section):
    """A cluster. Its credentials are given to its deploy worker alone, never here."""

    node_classes: dict[Name, Annotated[list[BenchmarkSection], Field(min_length=1)]] | None = Field(
        default=None,
        min_length=1,
        description="The classes of its nodes, each with the sections that kube-bench must have measured there; "
        "without it `control-plane: [master, etcd, controlplane, policies]` and `worker: [node]`.",
    )
    kube_bench: KubeBenchSection | None = Field(
        default=None, description="Has the deploy worker collect what kube-bench measured in the cluster."
    )
