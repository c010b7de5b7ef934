"""`environments`: the places that Apps go to, and what is there."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import ConfigDict, Field, StringConstraints

from configuration.schema.rules import ENFORCE_FROM, RuleSettingEntry
from configuration.schema.section import Section
from configuration.schema.texts import (
    LABEL,
    Chart,
    CheckNumber,
    Cidr,
    Day,
    Label,
    Name,
    ProxyKind,
    RuleName,
    StoreName,
    StorePrefix,
)
from pipelines.apps import ApiServer, BenchmarkRequirement, Ingress, IngressKind, Mesh, Scraper
from pipelines.findings import Mode

_INGRESS, _SCRAPER, _API_SERVER = Ingress(), Scraper(), ApiServer()
_REQUIREMENT = BenchmarkRequirement()


class IngressSection(Section):
    """The one way in from outside."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, populate_by_name=True)

    kind: Annotated[IngressKind, Field(strict=False)] | None = Field(
        default=None,
        description="The object that exposes an App; by default VirtualService with the mesh istio, else Ingress.",
    )
    class_: Label = Field(
        default=_INGRESS.class_name,
        alias="class",
        description="Its class, for the kind Ingress; must be written with `mesh: none`.",
    )
    gateway: Annotated[str, StringConstraints(pattern=f"^{LABEL}/{LABEL}$")] | None = Field(
        default=None,
        description="`namespace/name` of the Gateway, for VirtualService (by default "
        f"`{_INGRESS.gateway}`) and HTTPRoute (which needs one).",
    )
    namespace: Label = Field(
        default=_INGRESS.namespace, description="Where its pods run; must be written with `mesh: none`."
    )
    service_account: Label = Field(default=_INGRESS.service_account, description="What its pods run as.")
    issuer: Label | None = Field(
        default=None, description="cert-manager's ClusterIssuer for the certificates, for the kind Ingress."
    )


class MetricsSection(Section):
    """Who reads metrics."""

    namespace: Label = Field(default=_SCRAPER.namespace, description="Where the scraper runs.")
    service_account: Label = Field(default=_SCRAPER.service_account, description="What the scraper runs as.")


class ApiServerSection(Section):
    """Where pods reach the Kubernetes API."""

    cidr: Cidr = Field(default=_API_SERVER.cidr, description="Its addresses.")
    ports: list[Annotated[int, Field(ge=1, le=65535)]] = Field(
        default=list(_API_SERVER.ports), min_length=1, description="Its ports; by default 443 and 6443."
    )


class TolerationEntry(Section):
    """A taint that is tolerated, as Kubernetes has it."""

    key: str = Field(min_length=1, max_length=253, description="The taint's key.")
    operator: Literal["Equal", "Exists"] = Field(default="Equal", description="How it is compared.")
    value: str | None = Field(default=None, max_length=63, description="The taint's value.")
    effect: Literal["NoSchedule", "PreferNoSchedule", "NoExecute"] | None = Field(
        default=None, description="Which effect; without it, all."
    )


class PlacementEntry(Section):
    """A kind of nodes, by the name that teams write as `placement`."""

    node_selector: dict[str, str] = Field(default_factory=dict, description="Labels of those nodes.")
    tolerations: list[TolerationEntry] = Field(default_factory=list, description="Taints of those nodes.")
    priority_class: Label | None = Field(default=None, description="The PriorityClass of its pods.")
    runtime_class: Label | None = Field(default=None, description="The RuntimeClass of its pods.")


class BenchmarkRequirementSection(Section):
    """What kube-bench must have said of the cluster."""

    not_older_than_days: int = Field(
        default=_REQUIREMENT.not_older_than_days,
        ge=1,
        le=365,
        description="Every class of nodes was measured within so many days.",
    )
    passing: list[CheckNumber] = Field(default_factory=list, description="Numbers of checks that pass, as `1.2.16`.")
    no_new_failures: bool = Field(
        default=False, description="Nothing fails that did not fail in the baseline which the platform accepted."
    )


class RequiresSection(Section):
    """What must hold before a Release may go there."""

    benchmark: BenchmarkRequirementSection | None = Field(
        default=None,
        description="What kube-bench must have said of the cluster. The mode of `benchmark-recent`, "
        "`benchmark-passing` and `benchmark-no-new-failures` says whether it blocks: see `rules`.",
    )


class EnvironmentEntry(Section):
    """A place Apps go: cluster, namespace and the rules of that place."""

    cluster: Name = Field(description="One of `clusters`.")
    namespace: str = Field(
        default="{app}",
        min_length=1,
        max_length=100,
        description="The namespace that each App has to itself: a pattern with `{app}` and `{team}`.",
    )
    mode: Mode = Field(
        default=Mode.ENFORCE,
        strict=False,
        description="Whether findings block a Release, or are shown only. The cluster's own rules follow it: run "
        "`deploy-gateway cluster install` after a change. `team-scope` always blocks.",
    )
    enforce_from: Day | None = Field(default=None, description=f"{ENFORCE_FROM} For rules that `rules` does not name.")
    rules: dict[RuleName, RuleSettingEntry] = Field(
        default_factory=dict,
        description="The mode of single rules, where it differs: `RULE`, `kube-score/CHECK` or `schema/…`. "
        "Either `enforce`, or `{mode: warn, enforce_from: 2027-01-31}`: a warning without a day warns for ever.",
    )
    rollout_timeout_seconds: int = Field(
        default=300,
        ge=5,
        le=3600,
        description="How long a rollout may take to become healthy, before it is undone.",
    )
    chart: Chart = Field(
        default="stable", description="The standard chart that Apps get here: a version, or a channel of `charts`."
    )
    mesh: Mesh = Field(default=Mesh.ISTIO, strict=False, description="The service mesh that there is.")
    ingress: IngressSection = Field(default_factory=IngressSection, description="The one way in from outside.")
    metrics: MetricsSection = Field(default_factory=MetricsSection, description="Who reads metrics.")
    api_server: ApiServerSection = Field(
        default_factory=ApiServerSection, description="Where pods reach the Kubernetes API, if they may."
    )
    placements: dict[Name, PlacementEntry] = Field(
        default_factory=dict, description="Kinds of nodes that Apps may ask for, by name."
    )
    pull_secrets: list[Label] = Field(
        default_factory=list, description="Secrets for private registries, which the platform keeps in each namespace."
    )
    cloud: Literal["aws", "gcp", "azure"] | None = Field(
        default=None, description="Whose identities `apps.*.cloud_identities` are."
    )
    secret_stores: dict[StoreName, StorePrefix] = Field(
        default_factory=dict,
        description="Stores that `external_secrets` may name, and what its paths there begin with: a pattern with "
        "`{app}` and `{team}` that ends in a slash, such as `{team}/`; empty for all of the store.",
    )
    allowed_kinds: list[ProxyKind] = Field(
        default_factory=list,
        description="`GROUP/Kind` of other proxies' kinds that Apps may bring, such as `traefik.io/Middleware`, and "
        "which `platform-kinds` refuses else. Routes can't be allowed.",
    )
    requires: RequiresSection = Field(
        default_factory=RequiresSection, description="What must hold before a Release may go there."
    )
