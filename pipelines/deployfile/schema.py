"""`deploy.yaml`, version deploy-gateway/v1, as a closed schema."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, model_validator

from pipelines.deployfile.parts import (
    Autoscale,
    ChartSource,
    Command,
    Cron,
    EnvFrom,
    EnvSource,
    ExternalSecret,
    ExtraPort,
    FileSource,
    Health,
    Init,
    JobRun,
    Migrate,
    Part,
    Protocol,
    Replicas,
    Resources,
    Scratch,
    Sidecar,
    Stop,
    Update,
    Verify,
    Volume,
)
from pipelines.deployfile.reach import Alert, Allow, Expose, Grant, Metrics
from pipelines.deployfile.texts import (
    ContainerPath,
    EnvName,
    FileText,
    Image,
    Name,
    OwnPort,
    ScratchSize,
    inside_repository,
)

API_VERSION = "deploy-gateway/v1"
Workload = Literal["web", "worker", "stateful", "cronjob", "job"]

Env = Annotated[dict[EnvName, EnvSource], Field(max_length=200)]
Files = Annotated[dict[ContainerPath, FileText | FileSource], Field(max_length=50)]


class Overlay(Part):
    """What differs in one Environment.

    `env`, `files` and `external_secrets` are merged entry by entry, `values` at every depth;
    everything else is replaced.
    """

    image: Image | None = Field(default=None, description="Another image here.")
    replicas: Replicas | None = Field(default=None, description="Another number here; in place of autoscale.")
    autoscale: Autoscale | None = Field(default=None, description="As the load asks for, here; in place of replicas.")
    resources: Resources | None = Field(default=None, description="More or less of it here.")
    env: Env | None = Field(default=None, description="More values, or others, here.")
    env_from: Annotated[tuple[EnvFrom, ...], Field(max_length=20)] | None = Field(
        default=None, description="Others here, in place of them all."
    )
    files: Files | None = Field(default=None, description="More files, or others, here.")
    allow: Allow | None = Field(default=None, description="Others here, in place of them all.")
    expose: Expose | None = Field(default=None, description="Another host here.")
    cron: Cron | None = Field(default=None, description="Another time here.")
    volumes: Annotated[tuple[Volume, ...], Field(max_length=20)] | None = Field(
        default=None, description="Other sizes here."
    )
    external_secrets: dict[Name, ExternalSecret] | None = Field(default=None, description="Other places here.")
    values: dict[str, Any] | None = Field(default=None, description="Values of the chart that differ here.")


class DeployFile(Part):
    """`deploy.yaml`, version deploy-gateway/v1: a workload, a folder of manifests, or a chart of others."""

    model_config = ConfigDict(extra="forbid", frozen=True, title="deploy.yaml")

    apiVersion: Literal["deploy-gateway/v1"] = Field(description="The version of this format.")
    app: Name = Field(description="The App's name, as it is registered.")
    workload: Workload | None = Field(default=None, description="What kind of thing it is.")
    image: Image | None = Field(default=None, description="With registry and a fixed tag or digest.")
    command: Command | None = Field(default=None, description="In place of the image's own, as a list.")
    args: Command | None = Field(default=None, description="Arguments, as a list.")
    port: OwnPort | None = Field(default=None, description="That it listens on; above 1023, as it doesn't run as root.")
    protocol: Protocol = Field(default="http", description="What is spoken on `port`.")
    ports: tuple[ExtraPort, ...] = Field(default=(), max_length=10, description="More ports, for the same callers.")
    health: Health | None = None
    resources: Resources | None = None
    replicas: Replicas | None = Field(default=None, description="How many pods. Without it 2, and 1 of a stateful one.")
    autoscale: Autoscale | None = None
    env: Env = Field(default_factory=dict, description="Environment variables: literal, or from elsewhere; no secrets.")
    env_from: tuple[EnvFrom, ...] = Field(
        default=(), max_length=20, description="All keys of ConfigMaps or Secrets that are there already."
    )
    files: Files = Field(default_factory=dict, description="Path in the container → its text, or where it comes from.")
    scratch: dict[ContainerPath, ScratchSize | Scratch] = Field(
        default_factory=dict, max_length=20, description="Path that may be written to → its size. /tmp: 64Mi is there."
    )
    volumes: tuple[Volume, ...] = Field(default=(), max_length=20, description="Storage that outlives pods.")
    external_secrets: dict[Name, ExternalSecret] = Field(
        default_factory=dict, max_length=20, description="Secrets to be made from a store, by name."
    )
    init: tuple[Init, ...] = Field(default=(), max_length=10, description="What runs first in each pod, in order.")
    sidecars: tuple[Sidecar, ...] = Field(default=(), max_length=5, description="What runs beside it in each pod.")
    migrate: Migrate | None = None
    verify: Verify | None = None
    kubernetes_api: tuple[Grant, ...] = Field(
        default=(), max_length=20, description="What it may do with the Kubernetes API. Without it: nothing."
    )
    allow: Allow = Field(default_factory=Allow)
    expose: Expose | None = None
    metrics: Metrics | None = None
    alerts: tuple[Alert, ...] = Field(default=(), max_length=50, description="Alerts of Prometheus about it.")
    stop: Stop = Field(default_factory=Stop)
    update: Update = Field(default_factory=Update)
    user: Annotated[int, Field(ge=10_000, le=2_000_000_000)] = Field(
        default=10_001, description="The number of the user and group that it runs as."
    )
    working_dir: ContainerPath | None = Field(default=None, description="In place of the image's own.")
    placement: Name | None = Field(
        default=None, description="The kind of nodes that it needs, by the name that the platform gave them."
    )
    cron: Cron | None = None
    job: JobRun | None = None
    environments: dict[Name, Overlay] = Field(
        default_factory=dict, description="What differs in single Environments, by name."
    )
    manifests: str | None = Field(
        default=None, description="A folder of Kubernetes manifests, in place of the keys above."
    )
    chart: ChartSource | None = Field(default=None, description="A chart of others, in place of the keys above.")
    values: dict[str, Any] = Field(default_factory=dict, description="The chart's values, as its values.yaml has them.")

    @model_validator(mode="after")
    def _one_source(self) -> DeployFile:
        if self.manifests is not None:
            inside_repository(self.manifests)
            extra = self.model_fields_set - {"apiVersion", "app", "manifests"}
            if extra:
                raise ValueError(f"with manifests, these are not read: {', '.join(sorted(extra))}")
            return self
        if self.chart is not None:
            self._insist_on_values_alone()
            return self
        if "values" in self.model_fields_set:
            raise ValueError("values are a chart's, and there is no chart")
        needed = ("workload", "image", "resources", *KEYS_NEEDED.get(self.workload or "web", ()))
        missing = [key for key in needed if getattr(self, key) is None]
        if missing:
            raise ValueError(f"missing: {', '.join(missing)} (or `manifests: k8s/`, or a chart, in place of them)")
        return self

    def _insist_on_values_alone(self) -> None:
        extra = self.model_fields_set - {"apiVersion", "app", "chart", "values", "environments"}
        if extra:
            raise ValueError(f"with chart, these are not read: {', '.join(sorted(extra))}")
        for name, overlay in self.environments.items():
            extra = overlay.model_fields_set - {"values"}
            if extra:
                raise ValueError(f"with chart, {name} can have values alone, not: {', '.join(sorted(extra))}")


KEYS_NEEDED: dict[str, tuple[str, ...]] = {
    "web": ("port", "health"),
    "worker": (),
    "stateful": ("port", "health"),
    "cronjob": ("cron",),
    "job": (),
}
_SERVING = (
    *("port", "protocol", "ports", "health", "replicas", "autoscale", "expose", "metrics", "migrate", "verify"),
    "update",
)
KEYS_REFUSED: dict[str, dict[str, str]] = {
    "web": {"cron": "only a cronjob has it", "job": "only a job has it"},
    "worker": {
        "expose": "a worker is not called from outside; use workload: web",
        "cron": "only a cronjob has it",
        "job": "only a job has it",
    },
    "stateful": {
        "autoscale": "what keeps state can't be scaled by load alone; write replicas",
        "cron": "only a cronjob has it",
        "job": "only a job has it",
    },
    "cronjob": dict.fromkeys(_SERVING, "a cronjob serves nobody, and ends")
    | {"job": "a cronjob has these keys under cron"},
    "job": dict.fromkeys(_SERVING, "a job serves nobody, and ends") | {"cron": "only a cronjob has it"},
}
"""Which keys a kind of workload can't have, with the reason."""
