"""A cluster, a Helm and a Reporter that do as a test says, and a rollout with them."""

from __future__ import annotations

import threading
import time
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from pipelines.bundle import Bundle, freeze
from pipelines.deploy import Deployed, DeployPorts, DeployRequest, deploy
from pipelines.errors import Fault, GatewayError, PreflightRefused
from pipelines.namespaces import POD_SECURITY_LABEL
from pipelines.ports import (
    Change,
    ClusterFacts,
    HelmRevision,
    HostHolder,
    JobLine,
    Manifest,
    PodTrouble,
    RolloutProgress,
    Stop,
)
from pipelines.refusals import policy_of
from pipelines.states import StageName, StageState
from tests.pipelines.conftest import FACTS
from tests.pipelines.test_apps import STAGING
from tests.pipelines.test_bundle import BUNDLE as ANY_BUNDLE

MANIFEST = b"apiVersion: v1\nkind: Service\nmetadata: {name: checkout}\nspec: {type: ClusterIP}\n"
BUNDLE = replace(ANY_BUNDLE, manifest=MANIFEST)
TROUBLE = PodTrouble(
    "checkout-1", "checkout", "not ready", "probe not answered", ("Unhealthy: refused",), ("listening",)
)


@dataclass
class Place:
    """Implements `Cluster`: a namespace, and what a watch and a verification tell."""

    has_namespace: bool = True
    recovered: str | None = None
    moves: tuple[RolloutProgress | JobLine, ...] = ()
    kept: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    holders: tuple[HostHolder, ...] = ()
    differs: tuple[str, ...] = ()
    made: list[str] = field(default_factory=list)
    labels: Mapping[str, str] = field(default_factory=dict)
    pod_security: list[str] = field(default_factory=list)
    told: threading.Event = field(default_factory=threading.Event)
    is_over: bool = False
    last: tuple[RolloutProgress | JobLine, ...] = ()
    written: list[Mapping[str, str]] = field(default_factory=list)
    refusals: int = 0
    refusal: str = "not allowed"
    present: frozenset[str] = frozenset()

    def facts(self) -> ClusterFacts:
        return FACTS

    def ensure_namespace(self, name: str, labels: Mapping[str, str], *, kept: Collection[str] = ()) -> None:
        self.made = [name]
        self.labels = {**labels, **{label: self.labels[label] for label in kept if label in self.labels}}
        self.pod_security.append(self.labels[POD_SECURITY_LABEL])

    def write_parameters(self, data: Mapping[str, str]) -> bool:
        self.written.append(data)
        return True

    def namespace_exists(self, name: str) -> bool:
        return self.has_namespace

    def host_holders(self, hosts: Collection[str], *, namespace: str) -> tuple[HostHolder, ...]:
        return tuple(one for one in self.holders if one.host in hosts and one.namespace != namespace)

    def has(self, api_version: str, kind: str, name: str, *, namespace: str) -> bool:
        return self.has_namespace and f"{kind}/{name}" in self.present

    def remove_failed_jobs(self, objects: Iterable[Manifest], *, namespace: str) -> tuple[str, ...]:
        return self.removed

    def dry_run(self, objects: Iterable[Manifest], *, namespace: str) -> tuple[Change, ...]:
        if self.refusals:
            self.refusals -= 1
            fault = Fault("Service/checkout", self.refusal, "mend it", policy_of(self.refusal))
            raise PreflightRefused(self.refusal, "mend it", errors=[fault])
        return tuple(Change(f"{one['kind']}/{one['metadata']['name']}", "update", "diff") for one in objects)

    def recover_pending(self, *, release: str, namespace: str) -> str | None:
        return self.recovered

    def watch(self, *, release: str, namespace: str, stop: Stop) -> Iterator[RolloutProgress | JobLine]:
        yield from self.moves
        self.told.set()
        if self.is_over:
            return
        while not stop.is_set():
            time.sleep(0.001)
        yield RolloutProgress("Deployment/late", 0, 0, 1, (TROUBLE,))
        yield from self.last

    def keep_replicas(self, objects: Iterable[Manifest], *, namespace: str) -> tuple[str, ...]:
        return self.kept

    def verify(self, objects: Iterable[Manifest], *, namespace: str) -> tuple[str, ...]:
        return self.differs


@dataclass
class Tool:
    """Implements `Helm`: upgrades to revision 3, or fails."""

    cluster: Place
    rendered: bytes = MANIFEST
    rows: tuple[HelmRevision, ...] = ()
    failure: GatewayError | None = None
    upgrades: int = 0

    def package(self, chart: Path, files: Mapping[str, bytes] | None = None) -> tuple[str, str, bytes]:
        raise NotImplementedError  # the deploy zone packs no chart

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
        return self.rendered

    def history(self, *, release: str, namespace: str) -> tuple[HelmRevision, ...]:
        return self.rows

    def upgrade(self, bundle: Bundle, *, description: str, timeout_seconds: float) -> HelmRevision:
        self.cluster.told.wait(60)
        self.upgrades += 1
        if self.failure is not None:
            raise self.failure
        return HelmRevision(3, "deployed", description)


@dataclass
class Told:
    """Implements `Reporter`: keeps what it is told; says `cancelled` before the stage `stop_before`."""

    stop_before: StageName | None = None
    stages: list[tuple[StageName, StageState, str]] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    moves: list[RolloutProgress] = field(default_factory=list)
    changed: tuple[Change, ...] = ()

    def stage(self, name: StageName, state: StageState, detail: str = "") -> None:
        self.stages.append((name, state, detail))

    def log(self, stage: StageName, line: str) -> None:
        self.lines.append(line)

    def progress(self, progress: RolloutProgress) -> None:
        self.moves.append(progress)

    def changes(self, changes: tuple[Change, ...]) -> None:
        self.changed = changes

    def cancelled(self) -> bool:
        ended = {name for name, state, _ in self.stages if state is not StageState.RUNNING}
        before = list(StageName)[: list(StageName).index(self.stop_before)] if self.stop_before else None
        return before is not None and {one for one in before if one in DEPLOY_STAGES} <= ended


DEPLOY_STAGES = (StageName.PREFLIGHT, StageName.ROLLOUT, StageName.VERIFY)


def run_deploy(
    place: Place | None = None, told: Told | None = None, bundle: Bundle = BUNDLE, **changes: Any
) -> tuple[Deployed, Told, Tool]:
    cluster, reporter = place or Place(), told or Told()
    of_helm = {key: changes.pop(key) for key in ("rendered", "rows", "failure") if key in changes}
    helm = Tool(cluster, **of_helm)
    digest, content = freeze(bundle)
    request = DeployRequest(
        **{
            "release_id": "r1",
            "digest": digest,
            "content": content,
            "cluster": "local",
            "app": "checkout",
            "environment": STAGING,
            "namespace": "checkout-staging",
            "dry_run": False,
            "is_resumed": False,
            "rollout_timeout_seconds": 1.0,
            **changes,
        }
    )
    return deploy(request, DeployPorts(cluster, helm), reporter), reporter, helm
