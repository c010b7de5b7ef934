"""What the pipeline asks of the world, as small Protocols; each is implemented by one adapter.

Every method raises only subclasses of `pipelines.errors.GatewayError`. A method that takes
`timeout_seconds` ends by then, and ends the processes it started.
"""

from __future__ import annotations

from collections.abc import Collection, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from pipelines.apps import CommitSha
from pipelines.findings import Finding
from pipelines.states import StageName, StageState

if TYPE_CHECKING:
    from pipelines.base_images import ApprovedBase, Build
    from pipelines.bundle import Bundle
    from pipelines.image_contents import ImageContents, PlatformImage
    from pipelines.signatures import Signature

Manifest = Mapping[str, Any]
"""One Kubernetes object, as parsed from YAML or JSON."""


@dataclass(frozen=True, slots=True)
class Checkout:
    """A commit of a repository, as files below `path` (a scratch directory that the caller removes).

    `links` are the paths that are symbolic links in Git: on disk they are plain files, and nobody follows them.
    """

    path: Path
    commit: CommitSha
    subject: str
    author: str
    links: Container[str] = frozenset()


@dataclass(frozen=True, slots=True)
class ClusterFacts:
    """What is known of a cluster without holding its credentials: published by its deploy worker.

    `kubernetes_version` such as `v1.36.3`; `api_versions` as helm's `--api-versions` takes them
    (`apps/v1`, `apps/v1/Deployment`); `schemas` maps `group/version/Kind` (core: `v1/Pod`) to a
    self-contained JSON Schema made of the cluster's own OpenAPI document, CRDs included.
    """

    kubernetes_version: str
    api_versions: tuple[str, ...]
    schemas: Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Change:
    """How one object would change, or did: `action` is create, update, delete or none; `diff` unified, masked."""

    resource: str
    action: str
    diff: str


@dataclass(frozen=True, slots=True)
class HostHolder:
    """What exposes `host`: `resource` (`Kind/name`) in `namespace`; `app` is empty where it is no App's."""

    host: str
    resource: str
    namespace: str
    app: str


@dataclass(frozen=True, slots=True)
class HelmRevision:
    """One row of `helm history`. `status` is Helm's own word: deployed, failed, pending-upgrade, …"""

    revision: int
    status: str
    description: str


@dataclass(frozen=True, slots=True)
class PodTrouble:
    """Why a Pod is not ready: container, condition, the last events, the end of its log when there is one."""

    pod: str
    container: str
    condition: str
    message: str
    events: tuple[str, ...]
    log_tail: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RolloutProgress:
    """How far one workload has come; of a Job, `ready` counts the pods that succeeded.

    `hook` are the events of the Helm hook that it is (`pre-install,pre-upgrade`), empty for what is none.
    `failure` is why it will never be complete, empty while it may be. `commit` is what its label says, and
    `goes_back` that it is on its way back to what ran before.
    """

    resource: str
    ready: int
    updated: int
    wanted: int
    troubles: tuple[PodTrouble, ...]
    hook: str = ""
    failure: str = ""
    commit: str = ""
    goes_back: bool = False

    @property
    def is_complete(self) -> bool:
        return self.ready >= self.wanted and self.updated >= self.wanted


@dataclass(frozen=True, slots=True)
class JobLine:
    """A line that a Job wrote, without control characters; `job` is its name, of a hook without the App's."""

    job: str
    line: str


class Reporter(Protocol):
    """Where a running Pipeline tells how it goes; what it is told reaches the user within a moment."""

    def stage(self, name: StageName, state: StageState, detail: str = "") -> None:
        """`name` begins (RUNNING) or has ended (anything else); `detail` is one line for people."""

    def log(self, stage: StageName, line: str) -> None:
        """One line of what is being done."""

    def progress(self, progress: RolloutProgress) -> None:
        """The rollout has moved."""

    def changes(self, changes: tuple[Change, ...]) -> None:
        """What the rollout is about to change, or would."""

    def cancelled(self) -> bool:
        """Whether somebody has asked for this Release to stop; asked between stages."""


class Git(Protocol):
    """Checks out a registered repository."""

    def checkout(self, repository: str, ref: str, into: Path, *, timeout_seconds: float) -> Checkout:
        """`ref` of `repository`, shallow, below `into`: a directory that is empty, or made.

        Raises RefNotFound, RepositoryNotFound, AccessRefused, GitUnavailable, UnsafeCheckout, InvalidRef, DiskFull,
        NotWritable.
        """


class Registry(Protocol):
    """Reads image registries."""

    def digest(self, image: str, *, timeout_seconds: float) -> str:
        """The `sha256:…` that the tag in `image` (`host/path:tag`) means now.

        Raises ImageNotFound, AccessRefused, RegistryUnavailable.
        """


class ImageReader(Protocol):
    """Says what images are made of."""

    def contents(self, repository: str, digest: str, *, timeout_seconds: float) -> ImageContents:
        """What `digest` of `repository` (`host/path`) stands for, all its platforms.

        `timeout_seconds` are for each request. Raises ImageNotFound, AccessRefused, ImageUnreadable,
        RegistryUnavailable.
        """

    def builds(self, base: ApprovedBase, *, timeout_seconds: float) -> tuple[Build, ...]:
        """All builds of `base`, and those that its tags meant earlier. Raises as `contents`."""

    def system_in(self, repository: str, image: PlatformImage, *, timeout_seconds: float) -> str:
        """A path in the layers of `image` that is part of an operating system; empty for none. Raises as `contents`."""


class SignatureReader(Protocol):
    """Says what was signed."""

    def signatures(self, repository: str, digest: str, *, timeout_seconds: float) -> tuple[Signature, ...]:
        """What is kept beside `digest` of `repository` (`host/path`) as its signatures; none of them is verified.

        `timeout_seconds` are for each request. Raises AccessRefused, ImageNotFound, ImageUnreadable,
        RegistryUnavailable.
        """


class Keys(Protocol):
    """The public keys that count."""

    def signed(self, message: bytes, signature: bytes) -> bool:
        """Whether `signature` is one of these keys' for `message`."""


class Renderer(Protocol):
    """Packs and renders charts. No cluster is asked."""

    def package(self, chart: Path, files: Mapping[str, bytes] | None = None) -> tuple[str, str, bytes]:
        """Name, version and reproducible gzipped tar of the chart directory `chart`, with `files` added."""

    def template(
        self,
        *,
        release: str,
        namespace: str,
        chart: bytes,
        values: Mapping[str, Any],
        kubernetes_version: str,
        api_versions: Sequence[str],
        timeout_seconds: float,
    ) -> bytes:
        """What `helm template` prints, hooks included. No cluster is asked. Raises RenderFailed, DiskFull."""


class Helm(Renderer, Protocol):
    """Installs and reads releases too. The cluster credentials are the adapter's, where it has any."""

    def history(self, *, release: str, namespace: str) -> tuple[HelmRevision, ...]:
        """Oldest first; empty when there is no such release. Raises ClusterUnavailable."""

    def upgrade(self, bundle: Bundle, *, description: str, timeout_seconds: float) -> HelmRevision:
        """`helm upgrade --install --wait --rollback-on-failure` of exactly this Bundle.

        Raises RolloutFailed (Helm has rolled back by then, or says in `reason` that it could not),
        ClusterUnavailable, DiskFull.
        """


class Check(Protocol):
    """One independent check of rendered manifests. Never says "nothing found" when it could not look."""

    name: str

    def findings(self, subject: CheckSubject) -> tuple[Finding, ...]:
        """All findings. Raises CheckCrashed."""


@dataclass(frozen=True, slots=True)
class CheckSubject:
    """What checks look at.

    `manifest` are the rendered bytes, `objects` the same parsed in order, `facts` the cluster they are for,
    `parameters` what rules take from the platform (its allowed registries, as the data of a ConfigMap). `namespace` is
    empty where each of the `objects` names one, and what is in the same is what belongs together.
    """

    manifest: bytes
    objects: tuple[Manifest, ...]
    app: str
    team: str
    namespace: str
    facts: ClusterFacts
    parameters: Mapping[str, Any]


class Cluster(Protocol):
    """The API server of one cluster, with the deploy zone's credentials.

    All raise ClusterUnavailable when it does not answer.
    """

    def facts(self) -> ClusterFacts:
        """Version, API versions and schemas as the API server publishes them."""

    def ensure_namespace(self, name: str, labels: Mapping[str, str], *, kept: Collection[str] = ()) -> None:
        """Creates the namespace, or sets those labels on it; of those `kept` it keeps what it has."""

    def namespace_exists(self, name: str) -> bool:
        """Whether it is there."""

    def write_parameters(self, data: Mapping[str, str]) -> bool:
        """Makes `data` what the policies of the cluster are given, and whether it was something else before."""

    def host_holders(self, hosts: Collection[str], *, namespace: str) -> tuple[HostHolder, ...]:
        """What exposes one of `hosts` (lower case) in any namespace but this one."""

    def has(self, api_version: str, kind: str, name: str, *, namespace: str) -> bool:
        """Whether the object is there. What is in it, such as the values of a Secret, is not asked for."""

    def dry_run(self, objects: Iterable[Manifest], *, namespace: str) -> tuple[Change, ...]:
        """Server-side dry-run of each object, compared with what runs; secrets masked.

        Raises PreflightRefused with the API server's words for each object that it refuses.
        """

    def recover_pending(self, *, release: str, namespace: str) -> str | None:
        """Marks a Helm release that a crash left in `pending-*` as failed, so that the next attempt can go on.

        Returns what was found (`pending-upgrade, revision 3`), or None when there was nothing to mend.
        """

    def watch(self, *, release: str, namespace: str, stop: Stop) -> Iterable[RolloutProgress | JobLine]:
        """What moves from the moment of the call on, until `stop` is set, and then what Jobs wrote last.

        What was finished before the call is left out. The iteration never raises for a broken watch: it reconnects.
        """

    def keep_replicas(self, objects: Iterable[Manifest], *, namespace: str) -> tuple[str, ...]:
        """Keeps the number of replicas of those of `objects` that no longer say one, as an autoscaler will.

        Returns a line for each that it did something for: `Deployment/x keeps 3 replicas`.
        """

    def remove_failed_jobs(self, objects: Iterable[Manifest], *, namespace: str) -> tuple[str, ...]:
        """Removes those of `objects` that are there as Jobs which failed, hooks apart, so that they run again.

        Returns a line for each: `Job/x failed before: it was removed, and runs again`.
        """

    def verify(self, objects: Iterable[Manifest], *, namespace: str) -> tuple[str, ...]:
        """What differs between `objects` and what runs, one line each; empty when all is there and healthy."""


@dataclass(frozen=True, slots=True)
class BenchmarkJob:
    """A Job of kube-bench that is over: `uid` is unique to it, `failure` says why it failed, or is empty."""

    uid: str
    name: str
    node_class: str
    finished_at: datetime
    failure: str


class BenchmarkJobs(Protocol):
    """Where kube-bench ran in a cluster. Both raise ClusterUnavailable."""

    def finished(self, namespace: str) -> tuple[BenchmarkJob, ...]:
        """Those that are over, the oldest first."""

    def report(self, namespace: str, job: BenchmarkJob) -> tuple[str, str]:
        """The node that it ran on, and what it printed there: both empty when its pod is gone."""


class Stop(Protocol):
    """A flag that ends a watch (threading.Event fits)."""

    def is_set(self) -> bool: ...
