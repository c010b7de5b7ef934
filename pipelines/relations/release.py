"""The objects of a Release as rules over several of them see them: by kind, and what makes pods as a Workload."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

from pipelines.manifests import name_of
from pipelines.ports import Manifest
from pipelines.relations.selectors import selects, selects_plain
from pipelines.relations.values import mapping, mappings
from pipelines.resources import WORKLOADS, at, field_text, group_of, pod_spec_path

_OURS = "deploy-gateway.dev/"
_OF_A_VERSION = frozenset({"helm.sh/chart", "app.kubernetes.io/version", "version", "pod-template-hash"})
_GROUPS = frozenset({"", "apps", "batch", "extensions"})
_SELECTED_BY_PAIRS = frozenset({"ReplicationController"})
_SELECTING = frozenset({"Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "ReplicationController"})
# Groups whose kinds make no pods: of any other, nobody here knows.
_WITHOUT_PODS = (
    ".k8s.io",
    ".istio.io",
    "policy",
    "autoscaling",
    "monitoring.coreos.com",
    "external-secrets.io",
    "cert-manager.io",
    "keda.sh",
    "bitnami.com",
)


@dataclass(frozen=True, slots=True)
class Workload:
    """An object that makes pods: `labels` those of its pods, `spec` theirs, `path` where that is in `manifest`."""

    manifest: Manifest
    namespace: str
    labels: Mapping[str, Any]
    spec: Mapping[str, Any]
    path: tuple[str, ...]

    @property
    def kind(self) -> str:
        return str(self.manifest["kind"])

    @property
    def name(self) -> str:
        """`Kind/name`."""
        return name_of(self.manifest)

    @property
    def labels_field(self) -> str:
        """The path of its pods' labels."""
        return field_text((*self.path[:-1], "metadata", "labels"))

    def field(self, *path: str | int) -> str:
        """The path of what is at `path` of the pods' spec."""
        return field_text((*self.path, *path))

    @property
    def containers(self) -> Iterator[tuple[str, int, Mapping[str, Any]]]:
        """Each container: the list that it is in, its place there, and itself."""
        for kind in ("initContainers", "containers"):
            for index, one in enumerate(mappings(self.spec.get(kind))):
                yield kind, index, one

    def selects(self, labels: Mapping[str, Any]) -> bool:
        """Whether it counts pods with `labels` as its own. What selects by what the server adds selects none else."""
        selector = at(self.manifest, ("spec", "selector"))
        if self.kind in _SELECTED_BY_PAIRS:
            return bool(selector) and selects_plain(selector, labels)
        return self.kind in _SELECTING and selects(selector, labels)

    @property
    def own_labels(self) -> Mapping[str, Any]:
        """The labels that tell its pods from others in the next Release too: those that it selects by, else the team's.

        Empty, where it has none but those that the gateway gives to all pods of the App.
        """
        selector = mapping(at(self.manifest, ("spec", "selector")))
        pairs = selector if self.kind in _SELECTED_BY_PAIRS else mapping(selector.get("matchLabels"))
        return pairs or {key: value for key, value in self.labels.items() if _lasts(key)}


def _lasts(label: str) -> bool:
    return not label.startswith(_OURS) and label not in _OF_A_VERSION


class Together(Protocol):
    """Objects that are rolled out together into `namespace`."""

    @property
    def objects(self) -> tuple[Manifest, ...]: ...

    @property
    def namespace(self) -> str: ...


class Release:
    """All objects that are rolled out together."""

    def __init__(self, subject: Together) -> None:
        self.objects = subject.objects
        self.namespace = subject.namespace

    def of(self, kind: str, *groups: str) -> list[Manifest]:
        """The objects of this kind, of one of `groups` (API groups, without version)."""
        return [one for one in self._by_kind.get(kind, ()) if group_of(str(one["apiVersion"])) in groups]

    def near(self, workload: Workload, kind: str, group: str) -> list[Manifest]:
        """The objects of this kind and API group in the namespace of `workload`."""
        found = self._by_place.get((kind, workload.namespace), ())
        return [one for one in found if group_of(str(one["apiVersion"])) == group]

    @cached_property
    def _by_place(self) -> Mapping[tuple[str, str], list[Manifest]]:
        found: dict[tuple[str, str], list[Manifest]] = {}
        for one in self.objects:
            found.setdefault((one["kind"], self.namespace_of(one)), []).append(one)
        return found

    @cached_property
    def _by_kind(self) -> Mapping[str, list[Manifest]]:
        found: dict[str, list[Manifest]] = {}
        for one in self.objects:
            found.setdefault(one["kind"], []).append(one)
        return found

    def namespace_of(self, manifest: Manifest) -> str:
        """Where `manifest` goes: what it says itself, else the App's namespace."""
        return str(mapping(manifest.get("metadata")).get("namespace") or self.namespace)

    @cached_property
    def workloads(self) -> tuple[Workload, ...]:
        """All that makes pods and whose template is where the rules look."""
        return tuple(self._workloads())

    def _workloads(self) -> Iterator[Workload]:
        for one in self.objects:
            kind = str(one["kind"])
            if kind in WORKLOADS and group_of(str(one["apiVersion"])) in _GROUPS:
                path = pod_spec_path(kind)
                labels = mapping(at(one, (*path[:-1], "metadata", "labels")))
                yield Workload(one, self.namespace_of(one), labels, mapping(at(one, path)), path)

    def selected_by(self, selector: Any, namespace: str) -> list[Workload]:
        """The workloads in `namespace` whose pods a LabelSelector selects."""
        return [one for one in self.workloads_in(namespace) if selects(selector, one.labels)]

    def workloads_in(self, namespace: str) -> list[Workload]:
        """Those of `workloads` that go there."""
        return self._by_namespace.get(namespace, [])

    @cached_property
    def _by_namespace(self) -> Mapping[str, list[Workload]]:
        found: dict[str, list[Workload]] = {}
        for one in self.workloads:
            found.setdefault(one.namespace, []).append(one)
        return found

    @cached_property
    def may_have_more_pods(self) -> bool:
        """Whether there are objects of which a controller, that nobody here knows, may make pods or Secrets."""
        return any(not _is_known(one) for one in self.objects)


def _is_known(manifest: Manifest) -> bool:
    group = group_of(str(manifest["apiVersion"]))
    return group in _GROUPS or group.endswith(_WITHOUT_PODS)
