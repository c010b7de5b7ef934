"""The parts of `deploy.yaml`: one closed model for each key that has keys of its own."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AliasGenerator, BaseModel, ConfigDict, Field, model_validator
from pydantic.alias_generators import to_camel

from pipelines.deployfile.texts import (
    Argument,
    ContainerPath,
    Cpu,
    DataKey,
    EnvName,
    EnvValue,
    HeaderName,
    HeaderValue,
    HttpPath,
    Image,
    Memory,
    MetricName,
    Name,
    ObjectName,
    OwnPort,
    PortName,
    Quantity,
    RepositoryPath,
    Schedule,
    ScratchSize,
    Seconds,
    TimeZone,
    VolumeSize,
    bytes_of,
    millicores_of,
)

Command = Annotated[tuple[Argument, ...], Field(min_length=1, max_length=100)]
Protocol = Literal["http", "grpc", "tcp"]
Replicas = Annotated[int, Field(ge=1, le=200)]
Percent = Annotated[int, Field(ge=1, le=100)]


class Part(BaseModel):
    """Closed, so that a misspelt key is an error and not a default."""

    # Written as YAML is; dumped as Kubernetes, and with it the chart, spells its keys. A part is built with the whole.
    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        defer_build=True,
        alias_generator=AliasGenerator(serialization_alias=to_camel),
    )


class HttpProbe(Part):
    """An HTTP path that is asked, in the long form."""

    path: HttpPath = Field(description="The path that is asked.")
    port: OwnPort | None = Field(default=None, description="Its port, where it isn't the App's `port`.")
    headers: dict[HeaderName, HeaderValue] = Field(default_factory=dict, max_length=20, description="Sent with it.")


Probe = HttpPath | Literal["tcp", "grpc"] | Command | HttpProbe


class Health(Part):
    """The two probes. They differ: not ready means no traffic, not alive means restart.

    A probe is an HTTP path (`/ready`), `grpc`, `tcp`, a command as a list, or `{path, port, headers}`.
    """

    readiness: Probe = Field(description="Succeeds when it can serve.")
    liveness: Probe = Field(description="Succeeds as long as a restart wouldn't help.")
    start_seconds: Annotated[int, Field(ge=2, le=3600)] = Field(
        default=120, description="How long it may take until it is ready for the first time."
    )
    period_seconds: Annotated[int, Field(ge=1, le=300)] = Field(default=5, description="How often each is asked.")
    timeout_seconds: Annotated[int, Field(ge=1, le=60)] = Field(default=2, description="How long an answer may take.")
    failures: Annotated[int, Field(ge=1, le=20)] = Field(
        default=6, description="How many failures in a row until it is restarted."
    )

    @model_validator(mode="after")
    def _differ(self) -> Health:
        if _question(self.readiness) == _question(self.liveness):
            raise ValueError(
                "readiness and liveness have to be different paths: else a slow dependency restarts your pods"
            )
        return self


def _question(probe: Any) -> Any:
    """What a probe asks, however it is written: headers make no other question of it."""
    if isinstance(probe, HttpProbe):
        return probe.path, probe.port
    return (probe, None) if isinstance(probe, str) and probe.startswith("/") else probe


class Resources(Part):
    """What one replica needs. It gets that, and where nothing else is said no more."""

    cpu: Cpu = Field(description="Such as 250m: what it gets, and without `cpu_limit` all that it gets.")
    memory: Memory = Field(description="Such as 256Mi: what it gets, and all that it gets.")
    cpu_limit: Cpu | None = Field(default=None, description="The most that it may take, if more than `cpu`.")
    disk: ScratchSize | None = Field(
        default=None, description="Of the node's disk, for logs and the like; scratch is added. Without it 192Mi."
    )
    gpu: Annotated[int, Field(ge=1, le=16)] | None = Field(default=None, description="How many GPUs (nvidia.com/gpu).")

    @model_validator(mode="after")
    def _limit_above(self) -> Resources:
        if millicores_of(self.cpu) == 0:
            raise ValueError("cpu is 0; write what it needs, such as 100m")
        if self.cpu_limit is not None and millicores_of(self.cpu_limit) < millicores_of(self.cpu):
            raise ValueError("cpu_limit is below cpu; write at least as much")
        if bytes_of(self.memory) < 4 * 2**20:
            raise ValueError("memory is below 4Mi, with which no container starts; write for example 128Mi")
        return self


class ExtraPort(Part):
    """One more port that it listens on."""

    name: PortName = Field(description="Such as admin: at most 15 lower-case letters, digits and -.")
    port: OwnPort = Field(description="Its number, which its Service has too.")
    protocol: Literal["http", "grpc", "tcp", "udp"] = Field(default="http", description="What is spoken there.")


class Autoscale(Part):
    """As many pods as the load asks for, in place of `replicas`."""

    min: Replicas = Field(default=2, description="The fewest.")
    max: Replicas = Field(description="The most.")
    cpu: Percent | None = Field(default=None, description="The use of `resources.cpu` to aim at, in per cent.")
    memory: Percent | None = Field(default=None, description="The use of `resources.memory` to aim at, in per cent.")
    metrics: dict[MetricName, Quantity] = Field(
        default_factory=dict, max_length=5, description="A metric of its pods → the mean of it to aim at."
    )
    settle_seconds: Annotated[int, Field(ge=0, le=3600)] = Field(
        default=300, description="How long the load has to be lower before pods go."
    )

    @model_validator(mode="after")
    def _complete(self) -> Autoscale:
        if self.max < self.min:
            raise ValueError("max is below min; write at least as much")
        if self.cpu is None and self.memory is None and not self.metrics:
            raise ValueError("say what to scale on: cpu: 70, or memory: 80, in per cent")
        return self


class FileSource(Part):
    """A file of the same commit, or one key of a ConfigMap or Secret that is in the namespace already."""

    file: RepositoryPath | None = Field(default=None, description="Its path in the repository.")
    config_map: ObjectName | None = Field(default=None, description="The name of a ConfigMap …")
    secret: ObjectName | None = Field(default=None, description="… or of a Secret …")
    key: DataKey | None = Field(default=None, description="… with the key in it.")

    @model_validator(mode="after")
    def _one_of(self) -> FileSource:
        of_data = [one for one in (self.config_map, self.secret) if one is not None]
        if len(of_data) + (self.file is not None) != 1 or len(of_data) != (self.key is not None):
            raise ValueError("write {file: …}, {config_map: …, key: …} or {secret: …, key: …}")
        return self


class EnvReference(Part):
    """A value from elsewhere: a key of a ConfigMap or Secret, or something that the pod knows of itself."""

    config_map: ObjectName | None = Field(default=None, description="The name of a ConfigMap …")
    secret: ObjectName | None = Field(default=None, description="… or of a Secret …")
    key: DataKey | None = Field(default=None, description="… with the key in it …")
    field: Literal["name", "namespace", "ip", "node", "uid"] | None = Field(
        default=None, description="… or what of the pod itself …"
    )
    resource: Literal["cpu", "memory", "cpu_limit", "memory_limit"] | None = Field(
        default=None, description="… or which of its resources, in millicores or bytes."
    )

    @model_validator(mode="after")
    def _one_of(self) -> EnvReference:
        of_data = [one for one in (self.config_map, self.secret) if one is not None]
        of_pod = [one for one in (self.field, self.resource) if one is not None]
        if len(of_data) + len(of_pod) != 1 or len(of_data) != (self.key is not None):
            raise ValueError("write {config_map: …, key: …}, {secret: …, key: …}, {field: …} or {resource: …}")
        return self


EnvSource = EnvValue | EnvReference


class EnvFrom(Part):
    """All keys of a ConfigMap or of a Secret."""

    config_map: ObjectName | None = Field(default=None, description="The name of the ConfigMap.")
    secret: ObjectName | None = Field(default=None, description="The name of the Secret.")
    prefix: EnvName | None = Field(default=None, description="Put before each name.")
    optional: bool = Field(default=False, description="Whether it starts without it, too.")

    @model_validator(mode="after")
    def _one_of(self) -> EnvFrom:
        if (self.config_map is None) == (self.secret is None):
            raise ValueError("write either config_map or secret")
        return self


class Scratch(Part):
    """A folder that may be written to, and is gone with the pod."""

    size: ScratchSize = Field(description="Such as 256Mi.")
    memory: bool = Field(default=False, description="Kept in memory; what is in it counts towards the App's.")


class Volume(Part):
    """Storage that outlives pods."""

    name: PortName = Field(description="Such as data.")
    path: ContainerPath = Field(description="Where it is in the container.")
    size: VolumeSize | None = Field(default=None, description="Such as 10Gi.")
    existing: ObjectName | None = Field(default=None, description="In place of size: a claim that is there already.")
    read_only: bool = Field(default=False, description="Whether it is only read.")
    storage_class: Name | None = Field(default=None, description="The kind of storage; without it, the cluster's own.")
    shared: bool = Field(
        default=False, description="All pods use the same one. Without it each has its own: only for stateful."
    )

    @model_validator(mode="after")
    def _one_of(self) -> Volume:
        if (self.size is None) == (self.existing is None):
            raise ValueError("write either size, or existing for a claim that is there already")
        if self.existing is not None and self.storage_class is not None:
            raise ValueError("a claim that is there already has its storage_class; leave it out")
        return self


class SecretPath(Part):
    """Where one value is in the secret store."""

    path: Annotated[str, Field(min_length=1, max_length=500, pattern=r"^[A-Za-z0-9._/:@=-]+$")] = Field(
        description="Its path there."
    )
    property: DataKey | None = Field(default=None, description="One property of what is at that path.")


class ExternalSecret(Part):
    """A Secret that External Secrets fills from a store. Only where a value is, never the value."""

    store: ObjectName = Field(description="The name of the store.")
    store_kind: Literal["ClusterSecretStore", "SecretStore"] = Field(
        default="ClusterSecretStore", description="The cluster's or the namespace's."
    )
    refresh_minutes: Annotated[int, Field(ge=1, le=10_080)] = Field(default=60, description="How often it is read.")
    keys: dict[DataKey, SecretPath] = Field(min_length=1, max_length=100, description="Key in the Secret → its place.")


class Init(Part):
    """A container that has to come to its end before the App's own begins, in each pod.

    It has the App's variables, files, folders and resources.
    """

    name: PortName = Field(description="Such as wait.")
    command: Command = Field(description="What it runs.")
    image: Image | None = Field(default=None, description="Another image than the App's.")


class Sidecar(Part):
    """A container that runs beside the App's own, under the same rules.

    It shares the network with it, and /tmp where `scratch` has none; variables, files and folders it does not.
    """

    name: PortName = Field(description="Such as proxy.")
    image: Image = Field(description="With registry and a fixed tag or digest.")
    resources: Resources = Field(description="What it needs, beside what the App needs.")
    command: Command | None = Field(default=None, description="In place of the image's own.")
    args: Command | None = Field(default=None, description="Arguments.")
    env: dict[EnvName, EnvSource] = Field(default_factory=dict, max_length=200, description="As at the top.")


class Migrate(Part):
    """A step before each rollout, with the App's image and configuration. If it fails, nothing is rolled out."""

    command: Command = Field(description="What it runs; it has to bear being run again.")
    image: Image | None = Field(default=None, description="Another image than the App's.")
    env: dict[EnvName, EnvSource] = Field(default_factory=dict, max_length=200, description="Beside the App's own.")
    timeout_seconds: Seconds = Field(default=300, description="How long it may take.")


class Verify(Part):
    """A check after each rollout, from inside. If it fails, what ran before is put back."""

    path: HttpPath | None = Field(default=None, description="An HTTP path of the App that is asked …")
    status: Annotated[int, Field(ge=100, le=599)] = Field(default=200, description="… and the status to answer with.")
    command: Command | None = Field(default=None, description="In place of `path`: what is run.")
    image: Image | None = Field(default=None, description="For `command`: another image than the App's.")
    env: dict[EnvName, EnvSource] = Field(default_factory=dict, max_length=200, description="Beside the App's own.")
    timeout_seconds: Seconds = Field(default=60, description="How long it may take.")

    @model_validator(mode="after")
    def _one_of(self) -> Verify:
        if (self.path is None) == (self.command is None):
            raise ValueError("write either path or command")
        if self.path is not None and self.image is not None:
            raise ValueError("image goes with command; a path is asked for with the platform's own image")
        return self


class Stop(Part):
    """How a pod ends."""

    seconds: Annotated[int, Field(ge=10, le=3600)] = Field(
        default=30, description="How long it may take, from the moment that it is told."
    )
    command: Command | None = Field(
        default=None, description="What is run before it is told, in place of a pause of 5 s; such as a drain."
    )


class Update(Part):
    """How one version follows another."""

    ready_seconds: Annotated[int, Field(ge=0, le=600)] = Field(
        default=0, description="How long a pod has to stay ready before it counts."
    )
    ordered: bool = Field(
        default=False, description="Only stateful: pods also start in order. One that never gets ready stops them all."
    )


class Cron(Part):
    """When a cronjob runs."""

    schedule: Schedule = Field(description='Five fields, in quotes: "15 3 * * *".')
    time_zone: TimeZone = Field(default="Etc/UTC", description="Such as Europe/Berlin.")
    concurrency: Literal["forbid", "replace", "allow"] = Field(
        default="forbid", description="What happens when the run before is not over yet."
    )
    start_deadline_seconds: Seconds = Field(default=300, description="How late a run may begin; later, it is left out.")
    timeout_seconds: Seconds = Field(default=3600, description="How long one run may take.")
    retries: Annotated[int, Field(ge=0, le=10)] = Field(default=2, description="How often one run is tried again.")
    keep_succeeded: Annotated[int, Field(ge=0, le=20)] = Field(default=3, description="Runs kept to be looked at.")
    keep_failed: Annotated[int, Field(ge=1, le=20)] = Field(default=3, description="Failed runs kept.")
    suspend: bool = Field(default=False, description="Whether it pauses.")


class JobRun(Part):
    """How a job runs: once for each Release of another commit."""

    timeout_seconds: Seconds = Field(default=3600, description="How long it may take.")
    retries: Annotated[int, Field(ge=0, le=10)] = Field(default=2, description="How often it is tried again.")
    completions: Annotated[int, Field(ge=1, le=1000)] = Field(default=1, description="How many runs have to succeed.")
    parallelism: Annotated[int, Field(ge=1, le=100)] = Field(default=1, description="How many run at the same time.")


class ChartSource(Part):
    """A chart that somebody else wrote: in the repository, or pinned by version and digest where it is published."""

    path: RepositoryPath | None = Field(default=None, description="A folder or a .tgz in the repository.")
    name: Annotated[str, Field(pattern=r"^[a-z0-9]([-a-z0-9.]{0,61}[a-z0-9])?$")] | None = Field(
        default=None, description="The chart's name there."
    )
    repository: Annotated[str, Field(pattern=r"^(oci|https?)://[A-Za-z0-9._:/-]{1,200}$")] | None = Field(
        default=None, description="oci://HOST/PATH, or the https:// address of a classic repository."
    )
    version: Annotated[str, Field(pattern=r"^v?[0-9]+(\.[0-9]+){0,2}([-+][0-9A-Za-z.+-]{1,100})?$")] | None = Field(
        default=None, description="One version; no range."
    )
    digest: Annotated[str, Field(pattern=r"^sha256:[0-9a-f]{64}$")] | None = Field(
        default=None, description="sha256 of the .tgz: what the digest of its layer is, in an OCI registry."
    )

    @model_validator(mode="after")
    def _one_place(self) -> ChartSource:
        remote = ("name", "repository", "version")
        given = [key for key in (*remote, "digest") if getattr(self, key) is not None]
        if self.path is not None and given:
            raise ValueError(f"with path, these are not read: {', '.join(given)}")
        missing = [key for key in remote if getattr(self, key) is None]
        if self.path is None and missing:
            raise ValueError(f"missing: {', '.join(missing)} (or `path: charts/NAME`, a folder or a .tgz)")
        return self
