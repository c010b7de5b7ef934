"""The settings of one gateway, as frozen values. `configuration.file` reads them from `gateway.yaml`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from configuration.identity import Issuer, SignIn, Token
from configuration.references import Reference
from configuration.webhooks import Webhook
from pipelines.apps import App, ClusterName, Environment
from pipelines.backstop import Exceptions
from pipelines.base_images import BaseImages
from pipelines.charts import StandardChart, StandardCharts
from pipelines.errors import InvalidInput, NotFound
from pipelines.signature_check import Signed


@dataclass(frozen=True, slots=True)
class KubeBench:
    """That kube-bench may run in `namespace` with its PRIVILEGES, who has reviewed it, and until when."""

    namespace: str
    exempted_by: str
    reason: str
    until: date


@dataclass(frozen=True, slots=True)
class ImageRegistry:
    """A registry that images may come from. `prefix` is `host/` or `host/path/`, and ends in `/`."""

    prefix: str
    plain_http: bool = False
    credentials: Reference | None = None


@dataclass(frozen=True, slots=True)
class ChartPlace:
    """Where third-party charts may come from. `prefix` begins with oci:// or https://, and ends in `/`."""

    prefix: str
    plain_http: bool = False
    credentials: Reference | None = None


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds on what a team's repository may cost, and on how long an exception may last."""

    checkout_timeout_seconds: float = 30.0
    checkout_bytes: int = 50 * 1024 * 1024
    render_timeout_seconds: float = 15.0
    check_timeout_seconds: float = 60.0
    request_body_bytes: int = 64 * 1024
    webhook_body_bytes: int = 4 * 1024 * 1024
    longest_waiver_days: int = 180
    longest_token_days: int = 366


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that `gateway.yaml` says. Holds no credential of a cluster and no secret in the clear.

    `node_classes` has for each cluster the kinds of its nodes, and which sections of a benchmark each must have;
    `kube_bench` where its deploy worker collects what kube-bench measured. `contact` is where people
    reach the platform.
    """

    database_url: str
    redis_url: str
    public_url: str
    work_dir: Path
    charts: StandardCharts
    clusters: tuple[ClusterName, ...]
    apps: Mapping[str, App]
    environments: Mapping[str, Environment]
    tokens: tuple[Token, ...]
    registries: tuple[ImageRegistry, ...]
    smoke_image: str | None = None
    base_images: BaseImages | None = None
    signed: Signed | None = None
    public_keys: tuple[Reference, ...] = ()
    base_credentials: Mapping[str, Reference] = field(default_factory=dict)
    chart_repositories: tuple[ChartPlace, ...] = ()
    git_hosts: tuple[str, ...] = ()
    git_credentials: Mapping[str, Reference] = field(default_factory=dict)
    limits: Limits = field(default_factory=Limits)
    exceptions: Exceptions = field(default_factory=Exceptions)
    node_classes: Mapping[str, Mapping[str, tuple[str, ...]]] = field(default_factory=dict)
    kube_bench: Mapping[str, KubeBench] = field(default_factory=dict)
    webhooks: Mapping[str, Webhook] = field(default_factory=dict)
    contact: str = ""
    teams: tuple[str, ...] = ()
    issuers: tuple[Issuer, ...] = ()
    sign_in: SignIn | None = None

    @property
    def platform(self) -> str:
        """Whom to ask, for people: `the platform team (#platform)`."""
        return f"the platform team ({self.contact})" if self.contact else "the platform team"

    def cluster(self, name: str) -> ClusterName:
        """The cluster called `name`; raises `NotFound`."""
        if name not in self.clusters:
            known = ", ".join(sorted(self.clusters))
            raise NotFound(f"there is no cluster {name[:80]!r}", f"Clusters are: {known}", where="cluster")
        return ClusterName(name)

    def app(self, name: str) -> App:
        """The App called `name`; raises `NotFound`."""
        if name not in self.apps:
            raise NotFound(
                f"there is no App {name!r}, or you may not see it",
                "See `deployctl status` for your Apps",
                where="app",
            )
        return self.apps[name]

    def environment(self, name: str) -> Environment:
        """The Environment called `name`; raises `NotFound`."""
        if name not in self.environments:
            known = ", ".join(sorted(self.environments))
            raise NotFound(f"there is no Environment {name!r}", f"Environments are: {known}", where="environment")
        return self.environments[name]

    def only_cluster(self, name: str | None = None) -> ClusterName:
        """The cluster called `name`, or the only one. Raises `NotFound`, and `InvalidInput` where there are several."""
        if name is not None:
            return self.cluster(name)
        if len(self.clusters) > 1:
            known = ", ".join(sorted(self.clusters))
            raise InvalidInput("there are several clusters", f"Say which, by --cluster: {known}", where="--cluster")
        return self.clusters[0]

    def environments_of(self, cluster: ClusterName) -> tuple[Environment, ...]:
        """The Environments that are in `cluster`."""
        return tuple(one for one in self.environments.values() if one.cluster == cluster)

    def chart(self, app: App, environment: Environment, wanted: str | None = None) -> StandardChart:
        """The chart that `app` gets in `environment`: `wanted`, or what is pinned. Raises `InvalidInput`."""
        return self.charts.resolve(wanted or app.chart or environment.chart)
